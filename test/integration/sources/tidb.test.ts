import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planChunks } from '../../../sources/mysql-chunks.js';
import { readSourceTable } from '../../../sources/mysql-table.js';
import { readChunk } from '../../../sources/read-chunk.js';
import { checkGcLife, currentTso, readGcState, tsoBefore, tsoToMs } from '../../../sources/tidb.js';
import { Throttle } from '../../../sources/throttle.js';
import { mirrorColumns, SHANGHAI, TidbFixture } from './tidb-table.js';

let tidb: TidbFixture;
beforeAll(async () => {
  tidb = await TidbFixture.open('sources');
});
afterAll(() => tidb.close());

async function tso(): Promise<string> {
  const session = await tidb.session();
  try {
    return await currentTso(session);
  } finally {
    session.close();
  }
}

describe('values', () => {
  // A mirror that rounds a decimal, shifts a time or garbles bytes is wrong in every row.
  it('arrive exactly, of every type', async () => {
    await tidb.sql.query(`SET sql_mode = '', time_zone = '+00:00'`);
    await tidb.sql.query(`CREATE TABLE every_type (
      id BIGINT UNSIGNED PRIMARY KEY, ti TINYINT, tu TINYINT UNSIGNED, b1 TINYINT(1), si SMALLINT, mi MEDIUMINT UNSIGNED,
      i INT UNSIGNED, bi BIGINT, dc DECIMAL(38,10), big DECIMAL(65,30), f FLOAT, d DOUBLE, bt BIT(64), bs BIT(3), y YEAR,
      da DATE, dt DATETIME(6), ts TIMESTAMP(3) NULL, tm TIME(2), c CHAR(5), vc VARCHAR(50), l1 VARCHAR(10) CHARACTER SET latin1,
      tx LONGTEXT, e ENUM('z','a,b','m'), s SET('x','y'), j JSON, bn BINARY(4), vb VARBINARY(10), bl BLOB,
      g INT AS (ti + 1) VIRTUAL, \`Odd \`\`name\` INT)`);
    await tidb.sql.query(
      `INSERT INTO every_type (id, ti, tu, b1, si, mi, i, bi, dc, big, f, d, bt, bs, y, da, dt, ts, tm, c, vc, l1, tx, e, s, j, bn, vb, bl, \`Odd \`\`name\`) VALUES
      (18446744073709551615, -128, 255, 1, -32768, 16777215, 4294967295, -9223372036854775808, 1234567890123456789012345678.0123456789,
       12345678901234567890123456789012345.123456789012345678901234567890, 16777217, 0.1, x'FFFFFFFFFFFFFFFF', b'101', 2024,
       '9999-12-31', '2024-03-10 02:30:00.123456', '2024-03-10 16:00:00.5', '-838:59:59', 'ab ', 'é😀"\\\\\\n', 'ü', 'x', 'a,b', 'x,y',
       '{"k": [1, 1.5, "ü", null]}', x'00FF', x'0041FF', x'00', 7),
      (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
      (2, 0, 0, 0, 0, 0, 0, 0, -0.5, 0, 0.1, -1.7976931348623157e308, 0, 0, 0, '0000-00-00', '0000-00-00 00:00:00', '0000-00-00 00:00:00',
       '00:00:00', '', '', '', '', '', '', 'null', '', '', '', NULL)`,
    );
    await tidb.sql.query(
      `INSERT INTO every_type (id, vc, da, dt) VALUES (3, CONCAT('nul', CHAR(0), 'x'), '2024-00-10', '2024-01-00 00:00:00')`,
    );
    const { files } = await tidb.readAll('every_type', 2, await tso());
    const text = (name: string) => `CAST("${name}" AS VARCHAR) AS "${name}"`;
    const names = 'id ti tu b1 si mi i bi dc big f d bt bs y da dt ts tm c vc l1 tx e s j bn vb bl g'.split(
      ' ',
    );
    const rows = await tidb.rows(files, [...names, 'odd `name', 'cdc_seq'].map(text).join(', '));
    const byId = new Map(rows.map((row) => [row['id'], row]));
    expect(byId.get('18446744073709551615')).toEqual({
      id: '18446744073709551615',
      ti: '-128',
      tu: '255',
      b1: '1',
      si: '-32768',
      mi: '16777215',
      i: '4294967295',
      bi: '-9223372036854775808',
      dc: '1234567890123456789012345678.0123456789',
      big: '12345678901234567890123456789012345.123456789012345678901234567890',
      f: '16777216.0',
      d: '0.1',
      bt: '18446744073709551615',
      bs: '5',
      y: '2024',
      da: '9999-12-31',
      dt: '2024-03-10 02:30:00.123456',
      // An instant: midnight in Shanghai.
      ts: '2024-03-11 00:00:00.5',
      tm: '-838:59:59.00',
      c: 'ab',
      vc: 'é😀"\\\n',
      l1: 'ü',
      tx: 'x',
      e: 'a,b',
      s: 'x,y',
      j: '{"k": [1, 1.5, "ü", null]}',
      bn: '\\x00\\xFF\\x00\\x00',
      vb: '\\x00A\\xFF',
      bl: '\\x00',
      g: '-127',
      'odd `name': '7',
      cdc_seq: '0',
    });
    expect(new Set(Object.entries(byId.get('1')!).map(([name, v]) => (v === null ? '' : name)))).toEqual(
      new Set(['', 'id', 'cdc_seq']),
    );
    expect(byId.get('2')).toMatchObject({
      dc: '-0.5000000000',
      f: '0.1',
      d: '-1.7976931348623157e+308',
      bt: '0',
      y: '0',
      da: null,
      dt: null,
      ts: null,
      tm: '00:00:00.00',
      c: '',
      e: '',
      s: '',
      j: 'null',
      bn: '\\x00\\x00\\x00\\x00',
      vb: '',
    });
    expect(byId.get('3')).toMatchObject({ vc: 'nul\0x', da: null, dt: null });
  });

  // A column declared too narrow must be refused before the first row, not rounded.
  it('are refused where the mirror declares a type that cannot hold them', async () => {
    await tidb.sql.query(`CREATE TABLE narrow (id INT PRIMARY KEY, v DECIMAL(10,4), t DATETIME)`);
    await expect(tidb.readAll('narrow', 10, undefined, { v: 'decimal(10,2)' })).rejects.toMatchObject({
      code: 'SourceValueDoesNotFit',
      attributes: { column: 'v' },
    });
    await tidb.sql.query(
      `INSERT INTO narrow VALUES (1, 1.5, '0000-00-00 00:00:00'), (2, NULL, '2024-01-01 00:00:00')`,
    );
    const { files } = await tidb.readAll('narrow', 10, undefined, { v: 'string', t: 'string' });
    expect(await tidb.rows(files, 'id, v, t')).toEqual([
      { id: 1, v: '1.5000', t: '0000-00-00 00:00:00' },
      { id: 2, v: null, t: '2024-01-01 00:00:00' },
    ]);
  });
});

describe('chunks', () => {
  // A key that the server orders in another way than the reader would lose or double rows at every cut.
  it.each([
    ['int_key', 'id INT PRIMARY KEY', (i: number) => [i * 3 - 50]],
    ['big_key', 'id BIGINT UNSIGNED PRIMARY KEY', (i: number) => [`${18446744073709551615n - BigInt(i)}`]],
    ['decimal_key', 'id DECIMAL(20,5) PRIMARY KEY', (i: number) => [`${i - 20}.5`]],
    [
      'date_key',
      'id DATETIME(3) PRIMARY KEY',
      (i: number) => [`2024-01-0${1 + (i % 9)} 00:00:00.${100 + i}`],
    ],
    ['time_key', 'id TIMESTAMP PRIMARY KEY', (i: number) => [`2024-03-10 0${i % 10}:${10 + i}:00`]],
    ['clock_key', 'id TIME PRIMARY KEY', (i: number) => [`${i % 2 ? '-' : ''}${i}:00:00`]],
    ['bin_key', 'id VARBINARY(8) PRIMARY KEY', (i: number) => [Buffer.from([(i * 37) % 256, i])]],
    ['enum_key', `id ENUM('z','b','a'), n INT, PRIMARY KEY (id, n)`, (i: number) => ['zba'[i % 3], i]],
    ['bit_key', 'id BIT(10) PRIMARY KEY', (i: number) => [(i * 7) % 1024]],
    ['float_key', 'id DOUBLE PRIMARY KEY', (i: number) => [i / 3 - 5]],
    [
      'ci_key',
      'id VARCHAR(20) COLLATE utf8mb4_general_ci PRIMARY KEY',
      (i: number) => [['É', 'e', 'F', 'ß', '_', 'ǆ', '"', '\\', "'", '😀'][i % 10]! + String(i)],
    ],
    [
      'unicode_key',
      'id VARCHAR(20) COLLATE utf8mb4_unicode_ci PRIMARY KEY',
      (i: number) => [['é', 'Z', 'a', 'ñ', '', '日本', '한', 'Ö', '+', ' x'][i % 10]! + String(i)],
    ],
    [
      'composite',
      'a INT, b VARCHAR(5) COLLATE utf8mb4_general_ci, c DATE, PRIMARY KEY (a, b, c)',
      (i: number) => [i % 3, 'aBc'[i % 2], `2024-01-${10 + (i % 20)}`],
    ],
    ['nonclustered', 'id VARCHAR(10) PRIMARY KEY NONCLUSTERED', (i: number) => [`k${i * 7}`]],
    [
      'unique_key',
      'x INT NULL, id INT NOT NULL, UNIQUE KEY u (id), UNIQUE KEY n (x)',
      (i: number) => [null, i],
    ],
    ['no_key', 'a INT, b VARCHAR(5)', (i: number) => [i % 2, 'same']],
    ['prefix_key', 'a TEXT, UNIQUE KEY p (a(3))', (i: number) => [`${100 + i}`]],
  ])('of %s hold every row once', async (name, definition, row) => {
    await tidb.sql.query(`CREATE TABLE ${name} (${definition}, tail INT)`);
    const rows = Array.from({ length: 41 }, (_, i) => [...row(i), i]);
    const distinct = name === 'composite' ? rows.filter((_, i) => i < 30) : rows;
    await tidb.sql.query(`INSERT INTO ${name} VALUES ?`, [distinct]);
    const at = await tso();
    const whole = await tidb.readAll(name, 1_000, at);
    const cut = await tidb.readAll(name, 7, at);
    expect(cut.chunks).toHaveLength(Math.floor(distinct.length / 7) + 1);
    expect(Math.max(...cut.files.map((file) => file.rows))).toBeLessThanOrEqual(7);
    const list = 'COLUMNS(*)::VARCHAR';
    expect(await tidb.rows(cut.files, list)).toEqual(await tidb.rows(whole.files, list));
    const tails = await tidb.rows(cut.files, 'tail');
    expect(new Set(tails.map((r) => r['tail']))).toEqual(new Set(distinct.map((r) => r.at(-1))));
    expect(tails).toHaveLength(distinct.length);
  });

  it('know the key that identifies a row, or that there is none', async () => {
    const session = await tidb.session();
    const key = async (table: string) => readSourceTable(session, `${tidb.database}.${table}`);
    expect(await key('composite')).toMatchObject({
      key: ['a', 'b', 'c'],
      chunkBy: ['a', 'b', 'c'],
      server: 'tidb',
    });
    expect(await key('unique_key')).toMatchObject({ key: ['id'], chunkBy: ['id'] });
    expect(await key('no_key')).toMatchObject({ key: [], chunkBy: ['_tidb_rowid'] });
    expect(await key('prefix_key')).toMatchObject({ key: [], chunkBy: ['_tidb_rowid'] });
    await expect(key('missing')).rejects.toMatchObject({ code: 'SourceTableMissing' });
    session.close();
  });

  // A killed planner begins again after what it had; a killed reader reads its chunk again.
  it('are the same when planned in two goes and read twice, while the table changes', async () => {
    await tidb.sql.query(`CREATE TABLE moving (id INT PRIMARY KEY, v VARCHAR(100))`);
    const fill = async (from: number, count: number) =>
      tidb.sql.query(`INSERT INTO moving VALUES ?`, [
        Array.from({ length: count }, (_, i) => [from + i, `v${i}`]),
      ]);
    await fill(0, 500);
    const at = await tso();
    const first = await tidb.readAll('moving', 100, at);
    await fill(1_000, 300);
    await tidb.sql.query(`DELETE FROM moving WHERE id < 50`);
    await tidb.sql.query(`UPDATE moving SET v = 'changed'`);
    const session = await tidb.session(at);
    const again = [];
    for await (const chunk of planChunks(session, first.source, 100, first.chunks[1])) again.push(chunk);
    expect([...first.chunks.slice(0, 2), ...again]).toEqual(first.chunks);
    for (const [i, chunk] of first.chunks.entries()) {
      const request = { table: first.source, columns: first.columns, options: SHANGHAI, chunk, cdcTs: at };
      const file = await readChunk(tidb.context(`again-${i}`), session, request);
      expect(file.checksum).toBe(first.files[i]!.checksum);
    }
    session.close();
    expect(first.files.reduce((sum, file) => sum + file.rows, 0)).toBe(500);
  });

  // Production must not feel the bootstrap.
  it('are read no faster than the throttle allows, and stop at once when told to', async () => {
    const stop = new AbortController();
    const session = await tidb.session(undefined, stop.signal);
    const source = await readSourceTable(session, `${tidb.database}.moving`);
    const request = {
      table: source,
      columns: mirrorColumns(source),
      options: SHANGHAI,
      chunk: { index: 0, after: null, upTo: null },
      cdcTs: '0',
    };
    const started = Date.now();
    await readChunk(tidb.context('slow', { throttle: new Throttle(750) }), session, request);
    expect(Date.now() - started).toBeGreaterThan(950);
    setTimeout(() => stop.abort(new Error('stopped')), 300);
    const slow = readChunk(
      tidb.context('stopped', { throttle: new Throttle(1), signal: stop.signal }),
      session,
      request,
    );
    await expect(slow).rejects.toThrow(/stopped|aborted/);
    expect(Date.now() - started).toBeLessThan(10_000);
  });
});

describe('going back in time', () => {
  it('shows the rows as of a TSO, and before an instant those committed before it', async () => {
    await tidb.sql.query(`CREATE TABLE past (id INT PRIMARY KEY)`);
    await tidb.sql.query(`INSERT INTO past VALUES (1)`);
    const at = await tso();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await tidb.sql.query(`INSERT INTO past VALUES (2)`);
    const count = async (as: string) => (await tidb.readAll('past', 10, as)).files[0]!.rows;
    expect(await count(at)).toBe(1);
    expect(await count(tsoBefore(tsoToMs(at) + 5))).toBe(1);
    expect(await count(await tso())).toBe(2);
  });

  // Hours of reading would end in "GC life time is shorter than transaction duration".
  it('is refused with advice when TiDB does not keep the rows for long enough', async () => {
    const session = await tidb.session();
    const gc = await readGcState(session);
    session.close();
    expect(gc.lifeMs).toBeGreaterThanOrEqual(600_000);
    expect(gc.safePointMs).toBeGreaterThan(0);
    const now = Date.now();
    const recent = tsoBefore(now);
    expect(() => checkGcLife(recent, gc, now, 60_000)).not.toThrow();
    expect(() => checkGcLife(recent, gc, now, gc.lifeMs + 60_000)).toThrow(/SET GLOBAL tidb_gc_life_time/);
    expect(() => checkGcLife(tsoBefore(gc.safePointMs! - 1), gc, now)).toThrow(
      expect.objectContaining({ code: 'SourceSnapshotLost' }),
    );
  });

  it('says so where the server cannot', async () => {
    await expect(tidb.session('123x')).rejects.toMatchObject({ code: 'SourceRefused' });
  });
});
