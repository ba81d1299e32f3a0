import { isTributaryError } from '../common/errors.js';
import type { FormatName } from '../config/spec.js';
import type { SampledRecord } from '../kafka/admin.js';
import { decoderFactory, type DecoderOptions } from './decoders/index.js';

/** A table or collection whose changes some records are. */
export interface SourceName {
  database: string;
  table: string;
  records: number;
}

type Json = Record<string, unknown>;

/**
 * Tables that change records name, the one with most records first; none where the format does not tell (Avro needs its registry).
 */
export function sourceNames(
  format: FormatName,
  options: DecoderOptions,
  records: readonly SampledRecord[],
): SourceName[] {
  const decode = decoderFactory(format)?.(options);
  const names = new Map<string, SourceName>();
  for (const record of records) {
    const found = new Map<string, [string, string]>();
    for (const pair of decode ? decoded(decode, record) : namedIn(format, record.value)) {
      found.set(pair.join('\0'), pair);
    }
    for (const [id, [database, table]] of found) {
      const known = names.get(id);
      names.set(id, { database, table, records: (known?.records ?? 0) + 1 });
    }
  }
  return [...names.values()].sort(
    (a, b) => b.records - a.records || (`${a.database}.${a.table}` < `${b.database}.${b.table}` ? -1 : 1),
  );
}

function decoded(
  decode: NonNullable<ReturnType<NonNullable<ReturnType<typeof decoderFactory>>>>,
  record: SampledRecord,
): [string, string][] {
  try {
    return decode(record).changes.map(({ database, table }) => [database, table]);
  } catch (error) {
    if (isTributaryError(error, 'RecordUndecodable')) return [];
    throw error;
  }
}

/** Of formats that are JSON as they are. A statement is no change: it may name what no row was ever of. */
function namedIn(format: FormatName, value: Buffer | null): [string, string][] {
  const json = parsed(value);
  if (json === undefined) return [];
  const pair = (database: unknown, table: unknown): [string, string][] =>
    typeof database === 'string' && typeof table === 'string' && table !== '' ? [[database, table]] : [];
  if (format === 'canal-json') return json['isDdl'] === true ? [] : pair(json['database'], json['table']);
  if (format === 'maxwell') return 'data' in json ? pair(json['database'], json['table']) : [];
  if (format !== 'debezium') return [];
  const body = isObject(json['payload']) ? json['payload'] : json;
  const source = body['source'];
  if (!isObject(source) || typeof body['op'] !== 'string') return [];
  return pair(source['db'], source['table'] ?? source['collection']);
}

function parsed(value: Buffer | null): Json | undefined {
  if (value === null) return undefined;
  try {
    const json: unknown = JSON.parse(value.toString('utf8'));
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
