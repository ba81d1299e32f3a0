import { describe, expect, it } from 'vitest';
import { mysqlError } from '../../../sources/errors.js';
import { rangePredicate } from '../../../sources/keyset.js';
import { keyColumn, mysqlName, mysqlString, valueExpression } from '../../../sources/mysql-sql.js';
import { MysqlSession } from '../../../sources/mysql-session.js';
import { chooseKey, splitTableName, type SourceTable } from '../../../sources/mysql-table.js';
import { planColumns } from '../../../sources/mysql-values.js';
import { Throttle } from '../../../sources/throttle.js';
import type { OrderKind } from '../../../warehouse/snapshot/types.js';
import { bootstrapCdcTs, parseDuration, parseSafePoint, tsoBefore, tsoToMs } from '../../../sources/tidb.js';

describe('SQL for MySQL', () => {
  it('quotes whatever a name or a text holds', () => {
    expect(mysqlName('a`b')).toBe('`a``b`');
    expect(mysqlString(`'\\`)).toBe(`_utf8mb4 x'275c'`);
    expect(mysqlString('')).toBe(`''`);
    expect(() => keyColumn('a', 'int').literal('1 OR 1=1')).toThrow(/not a number/);
    expect(() => keyColumn('a', 'binary(4)').literal(`00' OR '`)).toThrow(/not hexadecimal/);
  });

  it('reads types whose text is not exact in another way', () => {
    expect(valueExpression('f', 'float')).toBe('`f` * 1e0');
    expect(valueExpression('b', 'bit(64)')).toBe('`b` + 0');
    expect(valueExpression('d', 'double')).toBe('`d`');
  });

  // `(a, b) > (1, 2)` reads the whole table in MySQL, and a wrong expansion loses rows at every cut.
  it('expands ranges of composite keys', () => {
    const key = [keyColumn('a', 'int'), keyColumn('b', 'varchar(5)')];
    expect(rangePredicate(key, { after: ['1', 'x'], upTo: null })).toBe(
      "(`a` >= 1 AND (`a` > 1 OR `a` = 1 AND `b` > _utf8mb4 x'78'))",
    );
    expect(rangePredicate(key.slice(0, 1), { after: ['1'], upTo: ['9'] })).toBe(
      '(`a` > 1) AND (NOT (`a` > 9)) AND (`a` <= 9)',
    );
    expect(rangePredicate([], { after: null, upTo: null })).toBe('TRUE');
  });

  it('takes the first dot of a name as the end of the database', () => {
    expect(splitTableName('shop.orders.2024')).toEqual({ database: 'shop', table: 'orders.2024' });
    expect(() => splitTableName('orders')).toThrow(/database.table/);
  });
});

describe('the key of a table', () => {
  const columns = ['a', 'b', 'c'].map((name) => ({ name, type: 'int', nullable: name === 'c' }));

  // A key with NULLs, of prefixes or of expressions does not identify rows: chunks would lose some.
  it('is the primary key, else the smallest unique key that identifies every row', () => {
    const index = (name: string, ...cols: (string | null)[]) => cols.map((col) => [name, col, null]);
    expect(chooseKey([...index('u', 'a'), ...index('PRIMARY', 'b', 'a')], columns)).toEqual(['b', 'a']);
    expect(chooseKey([...index('w', 'a', 'b'), ...index('v', 'b'), ...index('u', 'a')], columns)).toEqual([
      'a',
    ]);
    expect(chooseKey(index('n', 'c'), columns)).toEqual([]);
    expect(chooseKey(index('n', 'a', 'c'), columns)).toEqual([]);
    expect(chooseKey(index('e', null), columns)).toEqual([]);
    expect(chooseKey([['p', 'a', '10']], columns)).toEqual([]);
  });
});

describe('columns of a mirror', () => {
  const table: SourceTable = {
    server: 'tidb',
    database: 'd',
    table: 't',
    key: [],
    chunkBy: [],
    columns: [],
  };
  const fits = (source: string, type: string): boolean => {
    const columns = [{ name: 'c', type: source, nullable: true }];
    try {
      planColumns({ ...table, columns }, [{ name: 'c', source: 'C', type }], {
        zone: 'UTC',
        timestamps: 'native',
      });
      return true;
    } catch {
      return false;
    }
  };

  // Anything that is accepted here and does not fit is rounded or cut without a word.
  it.each([
    ['int', 'int', true],
    ['int unsigned', 'int', false],
    ['int unsigned', 'bigint', true],
    ['bigint unsigned', 'bigint', false],
    ['bigint unsigned', 'decimal(20,0)', true],
    ['bigint', 'decimal(18,0)', false],
    ['bigint', 'double', false],
    ['tinyint(1)', 'boolean', true],
    ['tinyint', 'boolean', false],
    ['decimal(10,2)', 'decimal(12,4)', true],
    ['decimal(10,2)', 'decimal(10,4)', false],
    ['decimal(10,2)', 'double', false],
    ['decimal(65,30)', 'string', true],
    ['float', 'double', true],
    ['double', 'float', false],
    ['bit(63)', 'bigint', true],
    ['bit(64)', 'bigint', false],
    ['date', 'timestamp', true],
    ['datetime(6)', 'date', false],
    ['varchar(20)', 'varchar(20)', true],
    ['varchar(20)', 'varchar(19)', false],
    ['text', 'binary', false],
    ['blob', 'binary', true],
    ['blob', 'string', true],
    ['json', 'string', true],
    ['json', 'bigint', false],
  ])('%s into %s: %s', (source, type, expected) => {
    expect(fits(source, type)).toBe(expected);
  });
});

describe('TiDB', () => {
  it('tells its times in ways of its own', () => {
    expect(tsoToMs(tsoBefore(1_700_000_000_000))).toBe(1_699_999_999_999);
    const tso = tsoBefore(1_700_000_000_000);
    expect(['tso', 'ms', 'offset'].map((order) => bootstrapCdcTs(order as OrderKind, tso))).toEqual([
      tso,
      '1699999999998',
      '-1',
    ]);
    expect(parseSafePoint('20240101-08:00:00 +0800')).toBe(Date.parse('2024-01-01T00:00:00Z'));
    expect(parseSafePoint('20240101-08:00:00.123456 +0000')).toBe(Date.parse('2024-01-01T08:00:00.123Z'));
    expect(parseSafePoint(null)).toBeNull();
    expect(parseDuration('24h0m0s')).toBe(86_400_000);
    expect(parseDuration('1h30m15.5s')).toBe(5_415_500);
  });
});

describe('the throttle', () => {
  it('waits for what is ahead of the rate, in pauses that keep the connection alive', async () => {
    let now = 0;
    const pauses: number[] = [];
    const throttle = new Throttle(
      100,
      () => now,
      (ms) => {
        pauses.push(ms);
        now += ms;
        return Promise.resolve();
      },
    );
    await throttle.passed(50);
    await throttle.passed(250);
    expect(now).toBe(3_000);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(1_000);
    now = 100_000;
    await throttle.passed(100);
    expect(now).toBe(100_000);
  });
});

describe('errors', () => {
  // A lost connection must be tried again; a missing privilege must reach a person.
  it.each([
    [{ errno: 1146, code: 'ER_NO_SUCH_TABLE' }, 'SourceTableMissing', false],
    [{ errno: 1045, code: 'ER_ACCESS_DENIED_ERROR' }, 'SourceDenied', false],
    [{ errno: 9006 }, 'SourceSnapshotLost', false],
    [{ errno: 9005 }, 'SourceUnavailable', true],
    [{ code: 'PROTOCOL_CONNECTION_LOST', fatal: true }, 'SourceUnavailable', true],
    [{ code: 'ECONNREFUSED' }, 'SourceUnavailable', true],
    [{ errno: 1064 }, 'SourceRefused', false],
  ])('%j is %s', (fields, code, retryable) => {
    const error = mysqlError(Object.assign(new Error('words'), fields), 'reading shop.orders');
    expect(error).toMatchObject({ code, retryable });
    expect(error.message).toContain('reading shop.orders: words');
  });

  // "The database did not answer" is of use only with which one, and where that is written.
  it('says which server did not let itself be connected to, and where its address is written', async () => {
    const url = 'mysql://reader:pass-of-reader@127.0.0.1:1/';
    await expect(MysqlSession.open({ url })).rejects.toMatchObject({
      code: 'SourceUnavailable',
      message: expect.stringMatching(/^(?!.*pass-of).*127\.0\.0\.1:1 \(.*bootstrap\.url/) as string,
    });
  });

  it('never repeats a URL, which may hold a password', async () => {
    await expect(MysqlSession.open({ url: 'root:secret@host' })).rejects.toThrow(/^(?!.*secret).*mysql:\/\//);
  });
});
