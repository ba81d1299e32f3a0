import { beforeAll, describe, expect, it } from 'vitest';
import type { Catalog, CatalogTable } from '../../../warehouse/catalog.js';
import type { Storage } from '../../../warehouse/storage.js';

/** What every Catalog promises; run on each implementation. `open` gives one without tables, and the storage it describes. */
export function catalogContract(
  name: string,
  open: () => Promise<{ catalog: Catalog; storage: Storage }>,
): void {
  describe(`${name} keeps the catalog contract:`, () => {
    let catalog: Catalog;
    let storage: Storage;

    beforeAll(async () => {
      ({ catalog, storage } = await open());
    });

    const table = (over: Partial<CatalogTable> & { name: string }): CatalogTable => ({
      columns: [
        { name: 'uid', type: 'bigint' },
        { name: 'price', type: 'decimal(18,2)' },
        { name: 'tags', type: 'array<string>' },
        { name: 'at', type: 'struct<lon:double,lat:double>' },
      ],
      partitionColumns: ['dt', 'hh'],
      location: storage.uri(over.name),
      comment: "it's 点击",
      ...over,
    });
    const hour = (hh: string): Record<string, string> => ({ dt: '2026-01-01', hh });

    it('makes a table once and describes it', async () => {
      const wanted = table({ name: 'made' });
      expect(await catalog.describe('made')).toBeUndefined();
      expect(await catalog.listPartitions('made')).toEqual([]);
      expect(await catalog.ensureTable(wanted)).toEqual({ created: true, addedColumns: [] });
      expect(await catalog.ensureTable(wanted)).toEqual({ created: false, addedColumns: [] });
      const described = await catalog.describe('made');
      expect(described?.map(({ name, type }) => ({ name, type }))).toEqual(wanted.columns);
    });

    it('adds columns at the end, and says which column does not fit', async () => {
      await catalog.ensureTable(table({ name: 'grows' }));
      const columns = [
        { name: 'fresh', type: 'string', comment: 'added' },
        { name: 'uid', type: 'BIGINT' },
      ];
      expect(await catalog.ensureTable(table({ name: 'grows', columns }))).toEqual({
        created: false,
        addedColumns: ['fresh'],
      });
      expect((await catalog.describe('grows'))?.map((column) => column.name)).toEqual([
        ...['uid', 'price', 'tags', 'at'],
        'fresh',
      ]);
      const clash = table({ name: 'grows', columns: [{ name: 'price', type: 'date' }] });
      await expect(catalog.ensureTable(clash)).rejects.toMatchObject({
        code: 'CatalogConflict',
        message: expect.stringMatching(/price.*decimal\(18,2\).*date/) as string,
      });
      const twice = table({ name: 'grows', columns: [{ name: 'DT', type: 'string' }] });
      await expect(catalog.ensureTable(twice)).rejects.toMatchObject({ code: 'CatalogConflict' });
      const days = table({ name: 'grows', partitionColumns: ['dt'] });
      await expect(catalog.ensureTable(days)).rejects.toMatchObject({ code: 'CatalogConflict' });
    });

    it('widens a type where Hive reads the old files, and keeps one that is wider already', async () => {
      await catalog.ensureTable(table({ name: 'widens', columns: [{ name: 'n', type: 'int' }] }));
      await catalog.addPartitions('widens', [{ values: hour('00'), location: storage.uri('widens/h0') }]);
      const typed = (type: string): CatalogTable => table({ name: 'widens', columns: [{ name: 'n', type }] });
      const type = async () => (await catalog.describe('widens'))?.map((column) => column.type);
      await catalog.ensureTable(typed('bigint'));
      expect(await type()).toEqual(['bigint']);
      await catalog.ensureTable(typed('smallint'));
      expect(await type()).toEqual(['bigint']);
      await expect(catalog.ensureTable(typed('date'))).rejects.toMatchObject({ code: 'CatalogConflict' });
    });

    it('adds partitions once; an existing one keeps its place', async () => {
      await catalog.ensureTable(table({ name: 'parts' }));
      const at = (hh: string, v: number): string => storage.uri(`parts/dt=2026-01-01/hh=${hh}/v${v}`);
      await catalog.addPartitions('parts', []);
      await catalog.addPartitions('parts', [
        { values: hour('01'), location: at('01', 0) },
        { values: hour('00'), location: at('00', 0) },
      ]);
      await catalog.addPartitions('parts', [
        { values: hour('01'), location: at('01', 7) },
        { values: hour('02'), location: at('02', 0) },
      ]);
      expect(await catalog.listPartitions('parts')).toEqual([hour('00'), hour('01'), hour('02')]);
      expect(await catalog.partitionLocation('parts', hour('01'))).toBe(at('01', 0));
      expect(await catalog.partitionLocation('parts', hour('09'))).toBeUndefined();
    });

    it('moves a partition, whether it was there or not', async () => {
      await catalog.ensureTable(table({ name: 'moves' }));
      const at = (v: number): string => storage.uri(`moves/dt=2026-01-01/hh=00/v${v}`);
      for (const v of [0, 1, 1, 0]) {
        await catalog.movePartition('moves', { values: hour('00'), location: at(v) });
        expect(await catalog.partitionLocation('moves', hour('00'))).toBe(at(v));
      }
      expect(await catalog.listPartitions('moves')).toEqual([hour('00')]);
    });

    it('keeps parameters of a partition, also over a move', async () => {
      await catalog.ensureTable(table({ name: 'params' }));
      const place = (v: number): string => storage.uri(`params/dt=2026-01-01/hh=00/v${v}`);
      expect(await catalog.partitionParameters('params', hour('00'))).toEqual({});
      await catalog.addPartitions('params', [{ values: hour('00'), location: place(0) }]);
      expect(await catalog.partitionParameters('params', hour('00'))).toEqual({});
      const first = {
        'tributary.complete': 'true',
        'tributary.revision': '1',
        'tributary.positions': '{"0":12,"1":34}',
        'tributary.note': "it's ${env:HOME} 完",
      };
      await catalog.setPartitionParameters('params', hour('00'), first);
      await catalog.setPartitionParameters('params', hour('00'), { 'tributary.revision': '2' });
      await catalog.movePartition('params', { values: hour('00'), location: place(1) });
      expect(await catalog.partitionParameters('params', hour('00'))).toEqual({
        ...first,
        'tributary.revision': '2',
      });
    });

    it('drops the entry, not the files', async () => {
      await catalog.ensureTable(table({ name: 'drops' }));
      await storage.write('drops/dt=2026-01-01/hh=00/v0/f', 'x');
      const location = storage.uri('drops/dt=2026-01-01/hh=00/v0');
      await catalog.addPartitions('drops', [{ values: hour('00'), location }]);
      await catalog.dropPartition('drops', hour('00'));
      await catalog.dropPartition('drops', hour('00'));
      expect(await catalog.listPartitions('drops')).toEqual([]);
      expect(await storage.stat('drops/dt=2026-01-01/hh=00/v0/f')).toBeDefined();
    });

    it('takes odd partition values', async () => {
      await catalog.ensureTable(table({ name: 'odd', partitionColumns: ['shard'] }));
      const values = ["it's", 'a b', 'x/y=z', '100%', '中文', '$' + '{env:HOME}'];
      const partitions = values.map((shard, i) => ({
        values: { shard },
        location: storage.uri(`odd/${i}/v0`),
      }));
      await catalog.addPartitions('odd', partitions);
      expect((await catalog.listPartitions('odd')).map(({ shard }) => shard).sort()).toEqual(
        [...values].sort(),
      );
      for (const { values: odd, location } of partitions) {
        expect(await catalog.partitionLocation('odd', odd)).toBe(location);
      }
    });

    it('says that a table is missing', async () => {
      const partition = { values: hour('00'), location: storage.uri('missing/v0') };
      const missing = { code: 'CatalogTableMissing', retryable: false };
      await expect(catalog.addPartitions('missing', [partition])).rejects.toMatchObject(missing);
      await expect(catalog.movePartition('missing', partition)).rejects.toMatchObject(missing);
      await expect(catalog.setPartitionParameters('missing', hour('00'), { a: 'b' })).rejects.toMatchObject(
        missing,
      );
    });

    it('stops when it is told to', async () => {
      const reason = new Error('stop');
      await expect(catalog.describe('made', AbortSignal.abort(reason))).rejects.toBe(reason);
    });
  });
}
