import { changelogColumns, changelogTable } from './hive-tables.js';
import { columnFates } from '../warehouse/column-fates.js';
import { attempt } from './attempt.js';
import type { ActivityContext } from './context.js';
import type { ControlActivities } from './types.js';

/** What another config would do to the columns of a table; changes nothing. A mirror that takes them from its source has none to plan. */
export function planColumns(context: ActivityContext): ControlActivities['planColumns'] {
  return ({ spec }) =>
    attempt(async ({ signal }) => {
      if (spec.columns.length === 0) return [];
      const existing = await context.catalog.describe(changelogTable(spec), signal);
      return columnFates(existing, changelogColumns({ spec, columns: spec.columns }));
    });
}
