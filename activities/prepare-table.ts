import { decide, type SeenChanges } from '../changelog/schema-change.js';
import { hasSourceColumns, type LandingTable } from '../changelog/types.js';
import { isTributaryError } from '../common/errors.js';
import type { TableSpec } from '../config/spec.js';
import type { CatalogColumn } from '../warehouse/catalog.js';
import { ManifestStore } from '../warehouse/manifest-store.js';
import { widened } from '../warehouse/widening.js';
import { attempt } from './attempt.js';
import type { ActivityContext } from './context.js';
import { changelogTable, landedTables } from './hive-tables.js';
import { learntColumns } from './learn-columns.js';
import type { ControlActivities } from './types.js';

/**
 * Makes the Hive tables that are missing, adds columns that the config has gained, and pins the spec together with the
 * columns as they are now, so that every worker lands by the same rules.
 */
export function prepareTable(context: ActivityContext): ControlActivities['prepareTable'] {
  return ({ spec }) =>
    attempt(async ({ signal }) => {
      const existing = await context.catalog.describe(changelogTable(spec), signal);
      const learnt = await learntColumns(context, spec, existing, signal);
      const columns = learnt ? withShardColumn(spec, learnt) : columnsOf(spec, existing);
      const landing: LandingTable = { spec, columns };
      for (const table of landedTables(landing, context.storage))
        await context.catalog.ensureTable(table, signal);
      const pin = await new ManifestStore(context.storage).pinSpec(landing, signal);
      return { pin, learns: spec.mode === 'mirror' && !hasSourceColumns(landing) };
    });
}

/** The spec with the columns that its Hive table has now. */
export async function landingOf(
  context: Pick<ActivityContext, 'catalog'>,
  spec: TableSpec,
  signal: AbortSignal,
): Promise<LandingTable> {
  return { spec, columns: columnsOf(spec, await context.catalog.describe(changelogTable(spec), signal)) };
}

/**
 * Brings tables to what the log has shown of their columns. A table whose policy or whose Hive table does not allow it is answered
 * with a fault, and does not keep the others from going on.
 */
export function evolveTables(context: ActivityContext): ControlActivities['evolveTables'] {
  return ({ pins, newColumns, retyped = {}, shapes = {} }) =>
    attempt(async ({ signal }) => {
      const store = new ManifestStore(context.storage);
      const evolved: Record<string, string | { fault: { code: string; message: string } }> = {};
      for (const [table, pin] of Object.entries(pins)) {
        const landing = await store.readSpec<LandingTable>(pin, signal);
        const seen: SeenChanges = { added: newColumns[table] ?? {}, retyped: retyped[table] ?? {} };
        if (shapes[table]) seen.shape = shapes[table];
        const decision = decide(landing, seen);
        if ('refused' in decision) {
          evolved[table] = { fault: { code: 'SchemaChanged', message: decision.refused } };
          continue;
        }
        try {
          for (const catalogTable of landedTables(decision.next, context.storage)) {
            await context.catalog.ensureTable(catalogTable, signal);
          }
        } catch (error) {
          if (!isTributaryError(error) || error.retryable) throw error;
          evolved[table] = { fault: { code: error.code, message: error.message } };
          continue;
        }
        evolved[table] = await store.pinSpec(decision.next, signal);
      }
      return evolved;
    });
}

/**
 * The config's columns win; a mirror without any goes on with those that Hive has learnt so far. Their source names are
 * kept by a rename only where they differ from the Hive name in more than case.
 */
function columnsOf(spec: TableSpec, existing: CatalogColumn[] | undefined): LandingTable['columns'] {
  return withShardColumn(spec, ownColumns(spec, existing));
}

function ownColumns(spec: TableSpec, existing: CatalogColumn[] | undefined): LandingTable['columns'] {
  if (!existing) return spec.columns;
  if (spec.columns.length > 0) {
    // A column that has grown stays as wide as its files need it.
    const there = new Map(existing.map(({ name, type }) => [name, type]));
    return spec.columns.map((column) => {
      const type = there.get(column.name);
      return type !== undefined && widened(type, column.type) === type ? { ...column, type } : column;
    });
  }
  const sourceName = new Map(Object.entries(spec.rename).map(([source, hive]) => [hive, source]));
  const added = new Set(['kafka_partition', 'kafka_offset', 'ingest_batch', 'event_time']);
  return existing
    .filter(({ name }) => !added.has(name) && !name.startsWith('cdc_') && name !== spec.rawColumn)
    .map(({ name, type }) => ({ name, type, path: sourceName.get(name) ?? name }));
}

/** `match.shard_column` is a column like the others: declared by its name alone. */
function withShardColumn(spec: TableSpec, columns: LandingTable['columns']): LandingTable['columns'] {
  const name = spec.match?.shardColumn;
  if (name === undefined || columns.some((column) => column.name === name)) return columns;
  return [...columns, { name, type: 'string', path: name }];
}
