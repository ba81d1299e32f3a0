import type { LandingColumn } from '../changelog/types.js';
import { sourceTypeToHive } from '../changelog/types-map.js';
import { TributaryError } from '../common/errors.js';
import { CHANGE_COLUMNS, RECORD_COLUMNS, type TableSpec } from '../config/spec.js';
import { learnTidbColumns } from '../sources/tidb-bootstrap.js';
import type { CatalogColumn } from '../warehouse/catalog.js';
import { sourceAccess } from './bootstrap-source.js';
import type { ActivityContext } from './context.js';

/**
 * Columns of a mirror that has none in its config and no Hive table yet: those of the source that it bootstraps from, so that it is whole
 * at once and does not learn them one by one from the log. Undefined for all other tables.
 * @throws TributaryError ColumnClash, Source...
 */
export async function learntColumns(
  context: Pick<ActivityContext, 'secret'>,
  spec: TableSpec,
  existing: CatalogColumn[] | undefined,
  signal: AbortSignal,
): Promise<LandingColumn[] | undefined> {
  if (existing !== undefined || spec.columns.length > 0 || spec.bootstrap?.kind !== 'tidb') return undefined;
  return hiveColumns(spec, await learnTidbColumns(sourceAccess(context, spec, signal)));
}

/** The source's columns under the names and types that they have in Hive. */
export function hiveColumns(
  spec: Pick<TableSpec, 'name' | 'rename' | 'match'>,
  source: readonly { name: string; type: string }[],
): LandingColumn[] {
  const columns = source.map(({ name, type }) => ({
    name: spec.rename[name] ?? name.toLowerCase(),
    type: sourceTypeToHive(type),
    path: name,
  }));
  const clash = columns.find(({ name }) => TAKEN.has(name));
  if (clash) throw taken(spec.name, clash);
  return columns;
}

const TAKEN = new Set<string>([...RECORD_COLUMNS, ...CHANGE_COLUMNS].map(({ name }) => name))
  .add('dt')
  .add('hh');

function taken(table: string, { name, path }: LandingColumn): TributaryError {
  return new TributaryError({
    code: 'ColumnClash',
    message:
      `The source of ${table} has a column ${path}, and Tributary has one of that name beside it. Give it another name in Hive ` +
      `(rename: { ${path}: ${name}_source }), then: tributary start ${table}`,
    attributes: { table, column: path },
  });
}
