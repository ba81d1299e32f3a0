import { isTributaryError } from '../common/errors.js';
import type { RecordBlock } from '../kafka/types.js';
import { lit } from '../warehouse/duckdb.js';
import { CHANGE_SOURCE_COLUMNS } from './change-source.js';
import { Int64Buffer, OptionalBytesBuffer } from './page-buffers.js';
import { ParquetFile, PLAIN, type ParquetColumn } from './parquet-file.js';
import type { ReasonCode } from './quarantine.js';
import type { CanonicalChange, DecodedRecord, RecordDecoder } from './types.js';

const NUMBERS = ['p', 'o', 'kts', 'idx', 'cdc_ts', 'cdc_seq', 'event_us'] as const;
const TEXTS = [
  'kind',
  'reason',
  'db',
  'tbl',
  'op',
  'row',
  'before',
  'keys',
  'shape',
  'sql',
  'patch',
] as const;
type NumberName = (typeof NUMBERS)[number];
type TextName = (typeof TEXTS)[number];

const GROUP_ROWS = 122_880;
const GROUP_BYTES = 64 << 20;

/** Reasons of a decoder's own that the quarantine knows under a name of its own. */
const REASONS: Record<string, ReasonCode> = {
  'invalid-utf8': 'invalid_utf8',
  'claim-check': 'partial_row',
  'handle-key-only': 'partial_row',
  'no-key': 'no_key',
};

type Texts = Partial<Record<TextName, string | null>>;

/**
 * Changes that a decoder gives, as the same canonical relation that textual formats have (see ChangeSource), in a local
 * Parquet file. A record that cannot be decoded is one row of kind `bad`.
 */
export class CanonicalLines {
  private readonly numbers = Object.fromEntries(NUMBERS.map((name) => [name, new Int64Buffer()])) as Record<
    NumberName,
    Int64Buffer
  >;
  private readonly texts = Object.fromEntries(
    TEXTS.map((name) => [name, new OptionalBytesBuffer()]),
  ) as Record<TextName, OptionalBytesBuffer>;
  private readonly shapes = new Map<string, string>();
  private readonly sourceTypes = new Map<string, Record<string, string>>();
  private readonly marks = new Map<number, bigint>();

  private constructor(
    readonly path: string,
    private readonly file: ParquetFile,
    private readonly decode: RecordDecoder,
  ) {}

  static async create(path: string, decode: RecordDecoder): Promise<CanonicalLines> {
    const columns: ParquetColumn[] = [
      ...NUMBERS.map((name): ParquetColumn => ({ name, type: 'int64', optional: false })),
      ...TEXTS.map((name): ParquetColumn => ({ name, type: 'text', optional: true })),
    ];
    return new CanonicalLines(path, await ParquetFile.create(path, columns), decode);
  }

  /** Highest watermark of each Kafka partition. */
  get watermarks(): ReadonlyMap<number, bigint> {
    return this.marks;
  }

  /** Source types of a table's columns, as far as the log has told them. */
  typesOf(database: string, table: string): Record<string, string> {
    return this.sourceTypes.get(`${database}\0${table}`) ?? {};
  }

  /** SQL of the relation, once closed. */
  relation(): string {
    const have = new Set<string>([...NUMBERS, ...TEXTS]);
    const columns = CHANGE_SOURCE_COLUMNS.map((column) =>
      have.has(column.replaceAll('"', '')) ? column : `NULL AS ${column}`,
    );
    return `SELECT ${columns.join(', ')} FROM read_parquet(${lit(this.path)})`;
  }

  async add(block: RecordBlock): Promise<void> {
    for (let i = 0; i < block.count; i++) {
      this.addRecord(block, i);
      if (this.numbers.p.count >= GROUP_ROWS || this.texts.row.size + this.texts.before.size >= GROUP_BYTES) {
        await this.flush();
      }
    }
  }

  async close(): Promise<void> {
    await this.flush();
    await this.file.close();
  }

  abandon(): Promise<void> {
    return this.file.abandon();
  }

  private addRecord(block: RecordBlock, i: number): void {
    const slice = (start: number, end: number) => (start < 0 ? null : block.bytes.subarray(start, end));
    const place: Place = {
      partition: block.partition,
      offset: block.offsets[i]!,
      timestamp: block.timestamps[i]!,
    };
    let decoded: DecodedRecord;
    try {
      decoded = this.decode({
        key: slice(block.keyStart[i]!, block.keyEnd[i]!),
        value: slice(block.valueStart[i]!, block.valueEnd[i]!),
        ...place,
      });
    } catch (error) {
      if (!isTributaryError(error, 'RecordUndecodable')) throw error;
      const reason = REASONS[String(error.attributes['reason'])] ?? 'record_undecodable';
      this.push(place, 0, { ts: 0n, seq: 0n, eventMs: 0 }, { kind: 'bad', reason, sql: error.message });
      return;
    }
    decoded.changes.forEach((change, index) => this.addChange(place, index, change));
    for (const [index, ddl] of (decoded.ddl ?? []).entries()) {
      const order = { ts: ddl.ts ?? BigInt(place.offset), seq: 0n, eventMs: 0 };
      const { database: db, table: tbl, kind: op, sql } = ddl;
      this.push(place, index, order, { kind: 'ddl', db, tbl, op, sql });
    }
    if (decoded.changes.length === 0 && !decoded.ddl?.length) {
      this.push(place, 0, { ts: 0n, seq: 0n, eventMs: 0 }, { kind: 'none' });
    }
    const { watermark } = decoded;
    if (watermark !== undefined && watermark > (this.marks.get(place.partition) ?? -1n)) {
      this.marks.set(place.partition, watermark);
    }
  }

  private addChange(place: Place, index: number, change: CanonicalChange): void {
    const { database, table, types } = change;
    if (types) {
      const known = this.sourceTypes.get(`${database}\0${table}`);
      if (known !== types)
        this.sourceTypes.set(`${database}\0${table}`, known ? { ...known, ...types } : types);
    }
    this.push(
      place,
      index,
      { ts: change.ts ?? BigInt(place.offset), seq: change.seq, eventMs: change.eventMs },
      {
        kind: 'change',
        db: database,
        tbl: table,
        op: change.op,
        row: JSON.stringify(change.row),
        before: change.before === null ? null : JSON.stringify(change.before),
        keys: change.key && change.key.length > 0 ? JSON.stringify(change.key) : null,
        shape: this.shapeOf(change.row),
        patch: change.patch ?? null,
      },
    );
  }

  private shapeOf(row: CanonicalChange['row']): string {
    const names = Object.keys(row);
    const joined = names.join('\0');
    let shape = this.shapes.get(joined);
    if (shape === undefined) {
      shape = JSON.stringify(Object.fromEntries(names.map((name) => [name, 0])));
      this.shapes.set(joined, shape);
    }
    return shape;
  }

  private push(
    place: Place,
    index: number,
    order: { ts: bigint; seq: bigint; eventMs: number },
    texts: Texts,
  ): void {
    const { p, o, kts, idx, cdc_ts, cdc_seq, event_us } = this.numbers;
    p.push(place.partition);
    o.push(place.offset);
    kts.push(place.timestamp);
    idx.push(index);
    cdc_ts.pushBig(order.ts);
    cdc_seq.pushBig(order.seq);
    event_us.push(order.eventMs * 1000);
    for (const name of TEXTS) this.texts[name].pushText(texts[name] ?? null);
  }

  private async flush(): Promise<void> {
    const rows = this.numbers.p.count;
    if (rows === 0) return;
    for (const [index, name] of NUMBERS.entries()) {
      await this.file.page(index, rows, PLAIN, [this.numbers[name].bytes()]);
      this.numbers[name].reset();
    }
    for (const [index, name] of TEXTS.entries()) {
      await this.file.page(NUMBERS.length + index, rows, PLAIN, this.texts[name].parts());
      this.texts[name].reset();
    }
    this.file.endRowGroup(rows);
  }
}

interface Place {
  partition: number;
  offset: number;
  timestamp: number;
}
