import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mirrorTable } from '../../../changelog/mirror-table.js';
import type { LandingColumn, LandingTable } from '../../../changelog/types.js';
import { Duck, lit } from '../../../warehouse/duckdb.js';

let dir: string;
let duck: Duck;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tributary-mirror-'));
  duck = await Duck.open({ threads: 1, memoryLimitMb: 500, tempDirectory: dir });
});
afterAll(async () => {
  duck.close();
  await rm(dir, { recursive: true, force: true });
});

const landing = (columns: LandingColumn[], key: string[]): LandingTable =>
  ({
    spec: { name: 'carts', key, timezone: 'Asia/Shanghai', timestamps: 'native' },
    columns,
  }) as unknown as LandingTable;

describe('a mirror as snapshots see it', () => {
  // A folded document has no row in the changelog: its columns must read as those of a whole document would.
  it('computes the declared columns of a folded document from its text', async () => {
    const table = mirrorTable(
      landing(
        [
          { name: 'doc_id', type: 'string', path: 'doc_id' },
          { name: 'doc', type: 'string', path: 'doc' },
          { name: 'n', type: 'bigint', path: '$.n' },
          { name: 'price', type: 'decimal(20,4)', path: '$.item.price' },
          { name: 'paid', type: 'timestamp', path: '$.at' },
          { name: 'tags', type: 'array<string>', path: '$.tags' },
          { name: 'first', type: 'string', path: '$.tags[0]' },
          { name: 'none', type: 'int', path: '$.none' },
          { name: 'uuid', type: 'string', path: '$.u' },
          { name: 'bytes', type: 'binary', path: '$.u' },
        ],
        ['doc_id'],
      ),
    );
    expect(table).toMatchObject({ kind: 'document', key: ['doc_id'] });
    const doc =
      `{"_id":"1","n":{"$numberLong":"9007199254740993"},"item":{"price":{"$numberDecimal":"1234567890123.4500"}},` +
      `"at":{"$date":{"$numberLong":"1772294400000"}},"tags":["a","b"],"none":null,` +
      `"u":{"$binary":{"base64":"AAECAwQFBgcICQoLDA0ODw==","subType":"04"}}}`;
    const own = table.columns.filter(({ fromDocument }) => fromDocument);
    const list = own.map(({ name, fromDocument }) => `${fromDocument!('d.doc')} AS "${name}"`).join(', ');
    const rows = await duck.rows(
      `SELECT n::VARCHAR AS n, price::VARCHAR AS price, paid::VARCHAR AS paid, tags, first, "none", uuid, hex(bytes) AS bytes FROM (` +
        `SELECT ${list} FROM (VALUES (${lit(doc)}), ('{}')) d(doc))`,
    );
    expect(rows).toEqual([
      {
        n: '9007199254740993',
        price: '1234567890123.4500',
        paid: '2026-03-01 00:00:00',
        tags: ['a', 'b'],
        first: 'a',
        none: null,
        uuid: '00010203-0405-0607-0809-0a0b0c0d0e0f',
        bytes: '000102030405060708090A0B0C0D0E0F',
      },
      { n: null, price: null, paid: null, tags: null, first: null, none: null, uuid: null, bytes: null },
    ]);
  });

  it('takes the key from the config, else from the log, and says what to do without any', () => {
    const columns = [{ name: 'id', type: 'bigint', path: 'ID' }];
    expect(mirrorTable(landing(columns, ['id']), ['other']).key).toEqual(['id']);
    expect(mirrorTable(landing(columns, []), ['id'])).toMatchObject({
      key: ['id'],
      columns: [{ name: 'id', type: 'bigint', before: 'ID' }],
    });
    expect(() => mirrorTable(landing(columns, []), [])).toThrow(/key: \[id\]/);
  });
});
