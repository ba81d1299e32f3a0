import type { CatalogColumn } from './catalog.js';
import { normalType } from './catalog-columns.js';
import { widened } from './widening.js';

/**
 * What becomes of a column when a table gets other ones: `add` (ADD COLUMNS), `widen` (CHANGE COLUMN), `stays` (Hive's own type holds
 * the wanted one too), `refused`, or `left` (only Hive has it).
 */
export interface ColumnFate {
  column: string;
  fate: 'add' | 'widen' | 'stays' | 'refused' | 'left';
  /** Hive's type now; null: it has none. */
  hive: string | null;
  /** In words for a person. */
  text: string;
}

/**
 * The fate of every column that is not the same on both sides, as `ensureTable` would decide it. Pure.
 * @param existing Hive's; undefined: there is no table yet
 * @param wanted by the config, in its types
 */
export function columnFates(
  existing: readonly CatalogColumn[] | undefined,
  wanted: readonly CatalogColumn[],
): ColumnFate[] {
  if (existing === undefined) return [];
  const there = new Map(existing.map(({ name, type }) => [name.toLowerCase(), normalType(type)]));
  const names = new Set(wanted.map(({ name }) => name.toLowerCase()));
  const fates = wanted.flatMap(({ name, type }): ColumnFate[] => {
    const hive = there.get(name.toLowerCase());
    const fate = fateOf(hive, normalType(type));
    return fate === undefined ? [] : [{ column: name, hive: hive ?? null, ...fate }];
  });
  const left = existing.filter(({ name }) => !names.has(name.toLowerCase()));
  return [
    ...fates,
    ...left.map(({ name, type }): ColumnFate => ({
      ...{ column: name, fate: 'left', hive: normalType(type) },
      text: 'stays in Hive with what has landed; new rows have NULL in it',
    })),
  ];
}

function fateOf(hive: string | undefined, wanted: string): Pick<ColumnFate, 'fate' | 'text'> | undefined {
  if (hive === undefined) {
    return { fate: 'add', text: `ADD COLUMNS ${wanted}; rows that have landed have NULL in it` };
  }
  if (hive === wanted) return undefined;
  const type = widened(hive, wanted);
  if (type !== undefined && normalType(type) === hive) {
    return {
      fate: 'stays',
      text: `not changed: it stays ${hive} in Hive, which holds every ${wanted}, and values are written as ${hive}. For a column of type ${wanted} take another name`,
    };
  }
  if (type !== undefined && normalType(type) === wanted) {
    return {
      fate: 'widen',
      text: `widened in Hive from ${hive} to ${wanted}; rows that have landed are read as it`,
    };
  }
  return {
    fate: 'refused',
    text: `refused: it is ${hive} in Hive, whose files cannot be read as ${wanted}. Give it the type ${hive}, or take another name`,
  };
}
