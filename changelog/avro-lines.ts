import { errorMessage } from '../common/errors.js';
import type { RecordBlock } from '../kafka/types.js';
import { AvroReader } from './formats/avro-json.js';
import { LineFile, OddFile } from './spool-file.js';

/** Text of a schema by its number; undefined if the registry does not know it. It throws while the registry cannot be asked. */
export type SchemaLookup = (id: number) => Promise<string | undefined>;

/** Begins the line of a record that could not be read; never the beginning of one that Debezium writes. */
export const PROBLEM_PREFIX = '{"avro_problem":';

/** A zero byte, and the schema's number in four: what serializers of Confluent's registry put before a record. */
const HEADER = 5;

/**
 * Registries count from 1. A number from here on is most likely none, but the beginning of a record whose number is elsewhere: without an
 * old row and with a new one it begins with 0 and 2.
 */
const DOUBTFUL = 1 << 24;
/** So many doubtful numbers are asked for; a topic without numbers would have the registry asked once a record. */
const MAX_DOUBTS = 1000;
const APICURIO =
  "Apicurio's converter needs apicurio.registry.headers.enabled=false, apicurio.registry.as-confluent=true and apicurio.registry.use-id=contentId";

/**
 * Records of Debezium's Avro converter as the lines that its JSON converter would have written, schemas included, so that both are
 * read by the same SQL. A record that cannot be read becomes a line that says why.
 */
export class AvroLines {
  private readonly readers = new Map<number, AvroReader | { problem: Problem }>();
  private problemCount = 0;
  private doubts = 0;

  private constructor(
    readonly linesPath: string,
    readonly oddPath: string,
    private readonly lines: LineFile,
    private readonly oddFile: OddFile,
    private readonly lookup: SchemaLookup,
  ) {}

  static async create(path: string, lookup: SchemaLookup): Promise<AvroLines> {
    const oddPath = `${path}.odd`;
    const odd = await OddFile.create(oddPath);
    return new AvroLines(path, oddPath, await LineFile.create(path, odd), odd, lookup);
  }

  /** Records without a value. */
  get odd(): number {
    return this.oddFile.rows;
  }

  get problems(): number {
    return this.problemCount;
  }

  async add(block: RecordBlock): Promise<void> {
    const { bytes, count } = block;
    const parts: Buffer[] = [];
    let used = 0;
    const out = {
      ...block,
      keyStart: new Int32Array(count),
      keyEnd: new Int32Array(count),
      valueStart: new Int32Array(count),
      valueEnd: new Int32Array(count),
    };
    const place = (text: string | null): [number, number] => {
      if (text === null) return [-1, -1];
      const part = Buffer.from(text);
      parts.push(part);
      used += part.length;
      return [used - part.length, used];
    };
    for (let i = 0; i < count; i++) {
      const value = slice(bytes, block.valueStart[i]!, block.valueEnd[i]!);
      const key = slice(bytes, block.keyStart[i]!, block.keyEnd[i]!);
      [out.keyStart[i], out.keyEnd[i]] = place(await this.keyText(key));
      [out.valueStart[i], out.valueEnd[i]] = place(value === null ? null : await this.valueText(value));
    }
    await this.lines.add({ ...out, bytes: Buffer.concat(parts) });
  }

  async close(): Promise<void> {
    await this.lines.close();
    await this.oddFile.close();
  }

  async abandon(): Promise<void> {
    await Promise.allSettled([this.lines.abandon(), this.oddFile.abandon()]);
  }

  private async valueText(value: Buffer): Promise<string> {
    const read = await this.read(value);
    if (typeof read === 'object') {
      this.problemCount += 1;
      return `${PROBLEM_PREFIX}${JSON.stringify(read.problem)}}`;
    }
    return read;
  }

  /** A key may have any converter, and counts only where it can be read. */
  private async keyText(key: Buffer | null): Promise<string | null> {
    if (key === null) return null;
    const read = await this.read(key);
    return typeof read === 'object' ? '' : read;
  }

  private async read(bytes: Buffer): Promise<string | { problem: Problem }> {
    if (bytes.length < HEADER || bytes[0] !== 0) {
      return undecodable(`no Avro record: it does not begin with the number of a schema. ${APICURIO}`);
    }
    const id = bytes.readInt32BE(1);
    // Not asked for: a registry answers what it cannot take for a number as it answers a wrong address, and the table would wait for ever.
    if (id < 0) return undecodable(`no Avro record: ${id >>> 0} is too much for the number of a schema`);
    if (id === 0) return undecodable(`the number of the schema has eight bytes, or is none. ${APICURIO}`);
    const reader = await this.readerOf(id);
    if ('problem' in reader) return reader;
    try {
      const json = reader.json(bytes, HEADER);
      const { connectFields } = reader;
      return connectFields === undefined ? json : `{"schema":{"fields":${connectFields}},"payload":${json}}`;
    } catch (error) {
      return undecodable(errorMessage(error));
    }
  }

  private async readerOf(id: number): Promise<AvroReader | { problem: Problem }> {
    const known = this.readers.get(id);
    if (known) return known;
    const doubtful = id >= DOUBTFUL;
    if (doubtful && this.doubts >= MAX_DOUBTS) return unknownSchema(id);
    const text = await this.lookup(id);
    if (doubtful && text === undefined) this.doubts += 1;
    const made = text === undefined ? unknownSchema(id) : readerOrProblem(id, text);
    this.readers.set(id, made);
    return made;
  }
}

interface Problem {
  reason: 'schema_unknown' | 'record_undecodable';
  detail: string;
}

function undecodable(detail: string): { problem: Problem } {
  return { problem: { reason: 'record_undecodable', detail } };
}

function unknownSchema(id: number): { problem: Problem } {
  const advice = id < DOUBTFUL ? '' : `, and that is hardly a number: is it in the headers? ${APICURIO}`;
  return { problem: { reason: 'schema_unknown', detail: `the registry has no schema ${id}${advice}` } };
}

function readerOrProblem(id: number, text: string): AvroReader | { problem: Problem } {
  try {
    return new AvroReader(text);
  } catch (error) {
    return undecodable(`schema ${id}: ${errorMessage(error)}`);
  }
}

function slice(bytes: Buffer, start: number, end: number): Buffer | null {
  return start < 0 ? null : bytes.subarray(start, end);
}
