import { contentHash } from '../common/hash.js';
import { formatTraits } from './formats.js';
import { normalizeJsonPath } from './json-path.js';
import type { LoadedConfig } from './load.js';
import { compilePattern } from './pattern.js';
import type { Config, TableConfig } from './schema.js';
import type { BootstrapSpec, ColumnSpec, EventTimeSpec, MatchSpec, TableSpec } from './spec.js';
import { columnPath, isDocuments, isRelationalMirror, sourceTableOf } from './table-source.js';

/** What every mirror of a MongoDB collection has (design 6), before the paths that its config declares. */
const DOCUMENT_COLUMNS: ColumnSpec[] = [
  { name: 'doc_id', type: 'string', path: 'doc_id' },
  { name: 'doc', type: 'string', path: 'doc' },
];

export interface ResolvedTable {
  spec: TableSpec;
  /** Content hash of the spec, by which plans pin it. */
  hash: string;
}

/** The pinned form of every table, in the order of the file. Pure: depends on what the file means only. */
export function resolveTables(loaded: LoadedConfig): ResolvedTable[] {
  return loaded.config.tables.map((table) => {
    const spec = resolveTable(table, loaded.config);
    return { spec, hash: specHash(spec) };
  });
}

/** Content hash of a spec: equal for specs that mean the same, on every machine. */
export function specHash(spec: TableSpec): string {
  return contentHash(spec);
}

/** The name under which `RuntimeConfig.secrets` has the URL of a table's bootstrap. */
export function bootstrapUrlRef(table: string): string {
  return `tables.${table}.bootstrap.url`;
}

function resolveTable(table: TableConfig, config: Config): TableSpec {
  const timezone = table.timezone ?? config.warehouse.timezone;
  const kafka = table.from.kafka ?? Object.keys(config.kafka)[0] ?? '';
  const match = resolveMatch(table);
  const bootstrap = resolveBootstrap(table);
  const { max_records: maxRecords, max_share: maxShare } = table.quarantine;
  const { snapshot } = table;
  const documents = isDocuments(table);
  return {
    name: table.name,
    mode: table.mode,
    kafka,
    topic: table.from.topic,
    format: table.from.format,
    formatOptions: resolveFormatOptions(table, config, kafka, timezone),
    ...(match && { match }),
    eventTime: resolveEventTime(table, timezone),
    timezone,
    partition: table.partition.length === 2 ? 'hour' : 'day',
    columns: [
      ...(documents ? DOCUMENT_COLUMNS : []),
      ...table.columns.map((column) => resolveColumn(table, column)),
    ],
    ...(table.raw !== false && { rawColumn: table.raw === true ? 'raw' : table.raw }),
    key: table.key ?? (documents ? ['doc_id'] : []),
    rename: table.rename,
    latenessSeconds: table.lateness / 1000,
    schemaChange: table.schema_change,
    quarantine: {
      ...(maxRecords !== undefined && { maxRecords }),
      ...(maxShare !== undefined && { maxShare }),
    },
    timestamps: config.warehouse.timestamps,
    ...(bootstrap && { bootstrap }),
    ...(snapshot && {
      snapshot: {
        every: snapshot.every,
        engine: snapshot.engine,
        keep: snapshot.keep,
        keepMonthEnds: snapshot.keep_month_ends,
        late: snapshot.late,
      },
    }),
  };
}

function resolveFormatOptions(
  table: TableConfig,
  config: Config,
  kafka: string,
  timezone: string,
): TableSpec['formatOptions'] {
  const { from } = table;
  const takes = formatTraits(from.format)?.options ?? [];
  const registry = from.registry ?? config.kafka[kafka]?.registry?.url;
  return {
    ...(takes.includes('zone') && { zone: from.zone ?? timezone }),
    ...(takes.includes('message') && { message: from.message ?? 'auto' }),
    ...(takes.includes('codec') && from.codec !== undefined && { codec: from.codec }),
    ...(takes.includes('decimals') && from.decimals !== undefined && { decimal: from.decimals }),
    ...(takes.includes('times') && from.times !== undefined && { time: from.times }),
    ...(takes.includes('binaries') && from.binaries !== undefined && { binary: from.binaries }),
    ...(takes.includes('registry') && registry !== undefined && { registry }),
  };
}

function resolveMatch(table: TableConfig): MatchSpec | undefined {
  const { match } = table.from;
  if (!match) return undefined;
  const name = match.table ?? match.collection;
  return {
    ...(match.database !== undefined && { database: compilePattern(match.database) }),
    ...(name !== undefined && { table: compilePattern(name) }),
    ...(match.shard_column !== undefined && { shardColumn: match.shard_column }),
  };
}

function resolveEventTime(table: TableConfig, timezone: string): EventTimeSpec {
  const { time, from } = table;
  const path =
    time?.path ?? (!time && from.format === 'filebeat' ? normalizeJsonPath('$."@timestamp"') : undefined);
  return {
    ...(path !== undefined && { path }),
    format: time?.format ?? 'auto',
    zone: time?.zone ?? timezone,
    kafka: time?.from === 'kafka' || (!time && from.format === 'text'),
  };
}

function resolveColumn(table: TableConfig, column: TableConfig['columns'][number]): ColumnSpec {
  const { name, type } = column;
  const path = columnPath(table, column);
  return { name, type, path: isRelationalMirror(table) ? path : normalizeJsonPath(path) };
}

function resolveBootstrap(table: TableConfig): BootstrapSpec | undefined {
  const { bootstrap } = table;
  const source = sourceTableOf(table);
  if (!bootstrap || !source) return undefined;
  return {
    kind: bootstrap.kind,
    ...source,
    urlRef: bootstrapUrlRef(table.name),
    chunkRows: bootstrap.chunk_rows,
    maxChunksInFlight: bootstrap.max_chunks_in_flight,
    ...(bootstrap.rows_per_second !== undefined && { rowsPerSecond: bootstrap.rows_per_second }),
    ...(bootstrap.kind === 'mongodb' && {
      readPreference: bootstrap.read_preference,
      direct: bootstrap.direct,
    }),
  };
}
