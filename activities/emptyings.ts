import { join } from 'node:path';
import { emptied, sourceEmptied, type SchemaStatement } from '../changelog/emptied.js';
import { schemaLogTable } from '../changelog/schema-log.js';
import { wallTime } from '../common/zone.js';
import type { TableSpec } from '../config/spec.js';
import { Duck } from '../warehouse/duckdb.js';
import type { ManifestStore } from '../warehouse/manifest-store.js';
import { mapParallel } from '../warehouse/parallel.js';
import { dataFiles } from '../warehouse/partition-switch.js';
import { boundaryInstant, orderBound, orderInstant } from '../warehouse/snapshot/boundary.js';
import type { Emptying } from '../warehouse/snapshot/emptying.js';
import { localFiles, parquetScan } from '../warehouse/snapshot/parquet.js';
import type { Boundary } from '../warehouse/snapshot/types.js';
import { withScratch } from './attempt.js';
import type { ActivityContext } from './context.js';

const DAY_MS = 86_400_000;
const LOOKS = 8;

export interface EmptyingsRequest {
  spec: TableSpec;
  boundary: Boundary;
  /** Boundary of the previous snapshot; undefined for the first. */
  sinceMs: number | undefined;
  /** How much older than the previous boundary changes may be that are still to be judged. */
  latenessMs: number;
}

/**
 * When a mirror's source was truncated or dropped, as the topic's schema log tells: before the boundary, and late enough to
 * matter for a merge that starts from the previous one.
 * @throws TributaryError SourceEmptied if nothing tells whose rows are gone
 */
export async function findEmptyings(
  context: ActivityContext,
  store: ManifestStore,
  request: EmptyingsRequest,
  signal: AbortSignal,
): Promise<Emptying[]> {
  const { spec, boundary, sinceMs, latenessMs } = request;
  const files = await schemaLogFiles(store, spec, sinceMs === undefined ? 0 : sinceMs - latenessMs, signal);
  if (files.length === 0) return [];
  const statements = await readStatements(context, files, signal);
  const bound = orderBound(boundary.order, boundary.ms);
  const found: Emptying[] = [];
  for (const statement of statements) {
    const ts = BigInt(statement.ts);
    const known = orderInstant(boundary.order, ts);
    const instantMs = known ?? Number(statement.kafka_timestamp ?? 0);
    const atMs = known ?? wallTime(instantMs, spec.timezone);
    if (bound === undefined ? atMs >= boundaryInstant(boundary) : ts >= bound) continue;
    if (sinceMs !== undefined && instantMs < sinceMs - latenessMs) continue;
    const what = emptied(spec, statement);
    if (what === undefined) continue;
    if (what.rows === 'unknown') {
      // What was there before the previous snapshot has been answered for: by the bootstrap that it is, or by a person.
      if (sinceMs !== undefined && instantMs < sinceMs) continue;
      throw sourceEmptied(spec, statement);
    }
    found.push({
      ts: statement.ts,
      ...{ instantMs, atMs },
      ...(what.rows === 'shard' && { only: { column: what.column, value: what.value } }),
    });
  }
  return found;
}

/** Files of the topic's schema log from some days before an instant on: few, and most topics have none. */
async function schemaLogFiles(
  store: ManifestStore,
  spec: TableSpec,
  fromMs: number,
  signal: AbortSignal,
): Promise<string[]> {
  const table = schemaLogTable(spec.topic);
  // Days are those of a member's zone; two days are more than zones are apart.
  const from = new Date(Math.max(0, fromMs - 2 * DAY_MS)).toISOString().slice(0, 10);
  const days = await store.partitionNames(table, 1, signal);
  const files = await mapParallel(
    days.filter(({ dt }) => dt !== undefined && dt >= from),
    LOOKS,
    async (day) => {
      const state = await store.readPartition(table, day, signal);
      return state === undefined || state.dropped === true
        ? []
        : dataFiles(store.storage, state.directory, signal);
    },
  );
  return files.flat().map(({ path }) => path);
}

type LoggedStatement = SchemaStatement & { ts: string; kafka_timestamp: string | null };

function readStatements(
  context: ActivityContext,
  files: string[],
  signal: AbortSignal,
): Promise<LoggedStatement[]> {
  return withScratch(context.scratch, 'schema-log', async (workDir) => {
    const local = await localFiles({ storage: context.storage, workDir, signal }, files, 'schema');
    const duck = await Duck.open({ ...context.duckdb, tempDirectory: join(workDir, 'spill'), signal });
    try {
      return await duck.rows<LoggedStatement>(
        `SELECT DISTINCT ts, kafka_timestamp, coalesce(ddl_kind, '') AS kind, coalesce(ddl_text, '') AS sql, ` +
          `source_database AS "database", source_table AS "table" FROM ${parquetScan(local)} WHERE ts IS NOT NULL ORDER BY ALL`,
      );
    } finally {
      duck.close();
    }
  });
}
