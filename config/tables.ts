import type { TableMode } from './spec.js';

/** The Hive tables of one configured table, by what they are. */
export interface DerivedTables {
  /** Landed records (append) or changes (mirror). */
  changelog: string;
  /** Mirrors only. */
  snapshot?: string;
  quarantine: string;
}

/** Names of the Hive tables that a configured table becomes (design 3). */
export function derivedTables(table: { name: string; mode: TableMode }): DerivedTables {
  const { name } = table;
  const quarantine = `${name}_quarantine`;
  if (table.mode === 'append') return { changelog: name, quarantine };
  return { changelog: `${name}_changelog`, snapshot: `${name}_snapshot`, quarantine };
}
