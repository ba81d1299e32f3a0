import { TributaryError } from '../common/errors.js';
import { widened } from './widening.js';
import type { CatalogColumn, CatalogTable } from './catalog.js';

/** A Hive type as Hive itself writes it: lower case, no spaces, `integer` and `decimal` spelt out. */
export function normalType(type: string): string {
  const compact = type.toLowerCase().replaceAll(/\s+/g, '');
  return compact
    .replaceAll(/\binteger\b/g, 'int')
    .replaceAll(/\b(numeric|dec)\b/g, 'decimal')
    .replaceAll(/\bdecimal(?!\()/g, 'decimal(10,0)')
    .replaceAll(/\bdecimal\((\d+)\)/g, 'decimal($1,0)');
}

/**
 * Columns of `wanted` that `existing` lacks, in order.
 * @throws TributaryError CatalogConflict, naming the column whose type differs or that clashes with a partition column.
 */
export function missingColumns(wanted: CatalogTable, existing: CatalogColumn[]): CatalogColumn[] {
  return columnChanges(wanted, existing).missing;
}

/**
 * What `existing` needs to become `wanted`: columns to add, in order, and columns to give a wider type. One that is wider already
 * stays as it is, for its files hold values that need it.
 * @throws TributaryError CatalogConflict, as `missingColumns`
 */
export function columnChanges(
  wanted: CatalogTable,
  existing: CatalogColumn[],
): { missing: CatalogColumn[]; widen: CatalogColumn[] } {
  const types = new Map(existing.map((column) => [column.name.toLowerCase(), normalType(column.type)]));
  const missing: CatalogColumn[] = [];
  const widen: CatalogColumn[] = [];
  for (const column of wanted.columns) {
    const there = types.get(column.name.toLowerCase());
    if (there === undefined) missing.push(column);
    else if (there !== normalType(column.type)) {
      const type = widened(there, column.type);
      if (type === there) continue;
      if (type === undefined || type !== normalType(column.type)) {
        throw columnConflict(
          wanted.name,
          column.name,
          `it is ${there} in the table and ${normalType(column.type)} in the configuration, which Hive cannot read its files as`,
        );
      }
      widen.push(column);
    }
  }
  return { missing, widen };
}

/**
 * Checks a table's own list of columns.
 * @throws TributaryError CatalogConflict for a name that occurs twice, partition columns included.
 */
export function checkColumns(table: CatalogTable): void {
  const seen = new Set<string>();
  for (const name of [...table.columns.map((column) => column.name), ...table.partitionColumns]) {
    const key = name.toLowerCase();
    if (seen.has(key)) throw columnConflict(table.name, name, 'the name occurs twice');
    seen.add(key);
  }
}

/** A column that cannot be as it is wanted. */
export function columnConflict(table: string, column: string, reason: string): TributaryError {
  return new TributaryError({
    code: 'CatalogConflict',
    message:
      `Column ${column} of table ${table}: ${reason}. ` +
      `Rename the column in the configuration, or give it the table's type.`,
    attributes: { table, column },
  });
}
