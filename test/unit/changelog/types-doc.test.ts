import { readFileSync } from 'node:fs';

import { expect, it } from 'vitest';

import { sourceTypeToHive } from '../../../changelog/types-map.js';
import { planColumns } from '../../../sources/mysql-values.js';

/** Source types that a row of docs/types.md speaks of, where its first cell does not spell them out. */
const EXAMPLES: Record<string, string[]> = {
  '`tinyint`, `bool`': ['tinyint(1)', 'tinyint(4)', 'bool', 'boolean'],
  '`decimal(p,s)`, p up to 38': ['decimal(38,10)', 'decimal(10)', 'numeric(5,2)', 'decimal(20,0) unsigned'],
  '`decimal(p,s)`, p over 38, or unknown': ['decimal(39,0)', 'decimal(65,30)', 'decimal', 'decimal unsigned'],
  '`float`': ['float', 'float(7,4)', 'float unsigned'],
  '`double`': ['double', 'double unsigned', 'real'],
  '`bit(n)`, n up to 63': ['bit(1)', 'bit(63)'],
  '`bit(64)`, or unknown': ['bit(64)', 'bit'],
  '`bit(n)`, n over 64 (PostgreSQL)': ['bit(65)', 'bit(2147483647)'],
  '`year`': ['year', 'year(4)'],
  '`datetime(n)`': ['datetime', 'datetime(6)'],
  '`timestamp(n)`': ['timestamp', 'timestamp(6)', 'TIMESTAMP NULL'],
  '`time(n)`': ['time', 'time(6)'],
  '`char`, `varchar`, `text` family': [
    'char(10)',
    'varchar(20)',
    'tinytext',
    'text',
    'mediumtext',
    'longtext',
  ],
  '`binary`, `varbinary`, `blob` family': [
    'binary(16)',
    'varbinary(300)',
    'tinyblob',
    'blob',
    'mediumblob',
    'longblob',
  ],
  '`enum`': ['enum', "enum('a','int')"],
  '`set`': ['set', "set('a','b')"],
  '`json`, `vector`, anything else': [
    'json',
    'vector',
    'geometry',
    'point',
    'uuid',
    'inet6',
    'struct',
    'array',
  ],
};

const rows = readFileSync(new URL('../../../docs/types.md', import.meta.url), 'utf8')
  .split(/^## /m)
  .find((section) => section.startsWith('MySQL, MariaDB and TiDB'))!
  .split('\n### ')[0]!
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

it('the table is there', () => expect(rows.length).toBeGreaterThan(20));

it.each(rows.map(([, source, hive]) => [source!, hive!.replaceAll('`', '')]))(
  'docs/types.md: %s becomes %s',
  (source, hive) => {
    const types = EXAMPLES[source] ?? [...source.matchAll(/`([^`]+)`/g)].map(([, type]) => type!);
    for (const type of types) {
      const learnt = sourceTypeToHive(type);
      if (hive === 'decimal(p,s)') expect(learnt, type).toMatch(/^decimal\(\d+,\d+\)$/);
      else expect(learnt, type).toBe(hive);
      // A bootstrap must be able to fill the column that the log teaches.
      const table = { database: 'shop', table: 'orders', columns: [{ name: 'c', type }] };
      expect(() =>
        planColumns(table as never, [{ name: 'c', type: learnt, source: 'c' }], {
          zone: 'UTC',
          timestamps: 'native',
        }),
      ).not.toThrow();
    }
  },
);
