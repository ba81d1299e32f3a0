import { describe, expect, it } from 'vitest';
import { columnChanges } from '../../../warehouse/catalog-columns.js';
import { columnFates } from '../../../warehouse/column-fates.js';

const existing = [
  { name: 'id', type: 'bigint' },
  { name: 'n', type: 'int' },
  { name: 'text', type: 'string' },
  { name: 'gone', type: 'date' },
];

describe('what a changed config does to the columns in Hive', () => {
  it('is told of each column that is not the same: a type that is not applied in silence is found out by a reader', () => {
    const fates = columnFates(existing, [
      { name: 'id', type: 'array<bigint>' },
      { name: 'n', type: 'BIGINT' },
      { name: 'text', type: 'double' },
      { name: 'fresh', type: 'string' },
    ]);
    expect(fates.map(({ column, fate, hive }) => [column, fate, hive])).toEqual([
      ['id', 'refused', 'bigint'],
      ['n', 'widen', 'int'],
      ['text', 'stays', 'string'],
      ['fresh', 'add', null],
      ['gone', 'left', 'date'],
    ]);
    expect(fates[0]!.text).toContain('cannot be read as array<bigint>');
    expect(fates[1]!.text).toContain('from int to bigint');
    expect(fates[2]!.text).toContain('stays string in Hive');
    expect(fates[3]!.text).toContain('ADD COLUMNS string');
  });

  // Whoever is told "widened" and gets CatalogConflict an hour later believes nothing any more.
  it('is what the catalog then does', () => {
    const types = ['int', 'bigint', 'double', 'decimal(12,2)', 'string', 'date', 'array<int>', 'varchar(9)'];
    for (const now of types) {
      for (const wanted of types) {
        const [fate] = columnFates([{ name: 'c', type: now }], [{ name: 'c', type: wanted }]);
        const table = {
          ...{ name: 't', partitionColumns: [], location: '' },
          columns: [{ name: 'c', type: wanted }],
        };
        const ensure = () => columnChanges(table, [{ name: 'c', type: now }]).widen.length;
        if (fate?.fate === 'refused') expect(ensure, `${now} ${wanted}`).toThrow();
        else expect(ensure(), `${now} ${wanted}`).toBe(fate?.fate === 'widen' ? 1 : 0);
      }
    }
  });

  it('is nothing where there is no table yet', () => {
    expect(columnFates(undefined, existing)).toEqual([]);
  });
});
