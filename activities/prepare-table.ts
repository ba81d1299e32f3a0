import type { LandingTable } from '../changelog/types.js';
import { TributaryError } from '../common/errors.js';
import type { TableSpec } from '../config/spec.js';
import type { CatalogColumn } from '../warehouse/catalog.js';
import { ManifestStore } from '../warehouse/manifest-store.js';
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
      return { pin: await new ManifestStore(context.storage).pinSpec(landing, signal) };
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

/** Adds the columns that the log has shown; a table whose policy says otherwise keeps its pin or stops. */
export function evolveTables(context: ActivityContext): ControlActivities['evolveTables'] {
  return ({ pins, newColumns }) =>
    attempt(async ({ signal }) => {
      const store = new ManifestStore(context.storage);
      const evolved: Record<string, string> = {};
      for (const [table, columns] of Object.entries(newColumns)) {
        const landing = await store.readSpec<LandingTable>(pins[table]!, signal);
        if (landing.spec.schemaChange === 'fail') throw schemaChanged(table, columns);
        const known = new Set(landing.columns.map(({ name }) => name));
        const added = Object.entries(columns)
          .filter(([name]) => !known.has(landing.spec.rename[name] ?? name.toLowerCase()))
          .map(([name, type]) => ({
            name: landing.spec.rename[name] ?? name.toLowerCase(),
            type,
            path: name,
          }));
        const next: LandingTable = { ...landing, columns: [...landing.columns, ...added] };
        for (const catalogTable of landedTables(next, context.storage)) {
          await context.catalog.ensureTable(catalogTable, signal);
        }
        evolved[table] = await store.pinSpec(next, signal);
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
  if (spec.columns.length > 0 || !existing) return spec.columns;
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

function schemaChanged(table: string, columns: Record<string, string>): TributaryError {
  const names = Object.entries(columns).map(([name, type]) => `${name} ${type}`);
  return new TributaryError({
    code: 'SchemaChanged',
    message:
      `The log of table ${table} has new columns (${names.join(', ')}) and its schema_change is 'fail'. ` +
      `Declare them, or set schema_change to evolve or ignore, then: tributary start ${table}`,
    attributes: { table, columns: names },
  });
}
