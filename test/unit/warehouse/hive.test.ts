import { describe, expect, it } from 'vitest';
import { missingColumns, normalType } from '../../../warehouse/catalog-columns.js';
import { parseDescription } from '../../../warehouse/hive-describe.js';
import {
  fromDriver,
  HiveConnectionError,
  HiveStatementError,
  toCatalogError,
} from '../../../warehouse/hive-errors.js';
import { rowsOf, uniqueNames } from '../../../warehouse/hive-rows.js';

describe('rows of Hive', () => {
  it('keep 64-bit integers, NULLs and names', () => {
    const octets = (hex: string): { toOctetString(): string } => ({ toOctetString: () => hex });
    const rows = rowsOf(
      ['n', 's', 'b'],
      [
        {
          i64Val: {
            values: [octets('7fffffffffffffff'), octets('ffffffffffffffff'), octets('0000000000000000')],
          },
        },
        { stringVal: { values: ['a', '', 'c'], nulls: Buffer.from([0b010]) }, boolVal: undefined },
        { boolVal: { values: [true, false, false], nulls: Buffer.from([0b100]) } },
      ],
    );
    expect(rows).toEqual([
      { n: '9223372036854775807', s: 'a', b: 'true' },
      { n: '-1', s: null, b: 'false' },
      { n: '0', s: 'c', b: null },
    ]);
  });

  it('are refused when two columns have one name', () => {
    expect(() => uniqueNames(['a', 'b', 'a'])).toThrow(/two columns named a/);
  });
});

describe('errors of Hive', () => {
  const seen = (message: string, code = -1): unknown =>
    toCatalogError(fromDriver({ name: 'Status Error', message, code }), 'ALTER TABLE\n  t ...', 'h:1');

  // Somebody who did not write the config must find the line that says where Hive is.
  it('names the server and the option of the config, if the server cannot be reached', () => {
    const error = toCatalogError(new HiveConnectionError('connect ECONNREFUSED'), 'x', 'h:1');
    expect(error).toMatchObject({
      code: 'CatalogUnavailable',
      message: expect.stringMatching(
        /h:1 \(warehouse\.catalog\.host and port\): connect ECONNREFUSED/,
      ) as string,
    });
  });

  it.each([
    [
      'Error while compiling statement: FAILED: SemanticException [Error 10001]: Table not found d.t',
      'CatalogTableMissing',
      false,
    ],
    [
      'FAILED: Execution Error, return code 40000 from DDLTask. MetaException(message:Could not connect to meta store using any of the URIs)',
      'CatalogUnavailable',
      true,
    ],
    // Many tables of a new database that start at once: this held some of them up until their next try, a minute later.
    [
      'Execution Error, return code 40000 from DDLTask. MetaException(message:Unable to create database managed directory hdfs://h/w/d.db, failed to create database d)',
      'CatalogUnavailable',
      true,
    ],
    [
      'FAILED: Execution Error. MetaException(message:Timeout when executing method: alter_partitions)',
      'CatalogUnavailable',
      true,
    ],
    // Seen with two tables of a new database, and with a backfill's switch beside commits: a table was shown as one that needs a person.
    [
      'Execution Error, return code 40000 from DDLTask. MetaException(message:javax.jdo.JDODataStoreException: Exception thrown flushing changes to datastore)',
      'CatalogUnavailable',
      true,
    ],
    [
      'Unable to alter partition. Exception thrown when executing query : SELECT COUNT(1) FROM SDS',
      'CatalogUnavailable',
      true,
    ],
    [
      'MetaException(message:JDODataStoreException: A truncation error was encountered trying to shrink VARCHAR to length 4000)',
      'CatalogRefused',
      false,
    ],
    ['Cannot create directory. Name node is in safe mode', 'CatalogUnavailable', true],
    ['Invalid SessionHandle: SessionHandle [x]', 'CatalogUnavailable', true],
    [
      'FAILED: Execution Error, return code 2 from org.apache.hadoop.hive.ql.exec.tez.TezTask. Vertex failed',
      'CatalogRefused',
      true,
    ],
    [
      'Error while compiling statement: FAILED: ParseException line 1:3 cannot recognize input\n\tat x',
      'CatalogRefused',
      false,
    ],
  ])('%s', (message, code, retryable) => {
    expect(seen(message)).toMatchObject({ code, retryable });
  });

  it('are short and say what was tried', () => {
    expect(
      seen('Error while compiling statement: FAILED: ParseException line 1:3 bad\n\tat x'),
    ).toMatchObject({
      message: 'Hive: ParseException line 1:3 bad. Statement: ALTER TABLE t ...',
    });
  });

  it('pass through what is not of Hive', () => {
    const abort = new Error('stop');
    expect(toCatalogError(abort, 'x', 'h:1')).toBe(abort);
    expect(fromDriver(new Error('write EPIPE'))).toBeInstanceOf(HiveConnectionError);
    expect(new HiveStatementError({ message: 'x [Error 10006]: y', code: 40000 }).code).toBe(10006);
  });
});

describe('DESCRIBE FORMATTED', () => {
  it('is read section by section', () => {
    const rows = [
      ['uid                 ', 'bigint', ''],
      ['price', 'decimal(18,2)', 'in 元'],
      ['', null, null],
      ['# Partition Information', null, null],
      ['# col_name            ', 'data_type', 'comment'],
      ['dt', 'string', ''],
      ['', null, null],
      ['# Detailed Partition Information', null, null],
      ['Location:           ', 'hdfs://nn/t/dt=1', null],
      ['Partition Parameters:', null, null],
      ['', 'numFiles            ', '2'],
      ['', null, null],
      ['# Storage Information', null, null],
      ['InputFormat:', 'org.x.MapredParquetInputFormat', null],
      ['Storage Desc Params:', null, null],
      ['', 'tributary.positions', '{\\"0\\":1}'],
      ['', 'tributary.note', "it's \\u5B8C \\\\ end"],
    ].map(([a, b, c]) => ({ col_name: a ?? null, data_type: b ?? null, comment: c ?? null }));
    expect(parseDescription(rows)).toEqual({
      columns: [
        { name: 'uid', type: 'bigint' },
        { name: 'price', type: 'decimal(18,2)', comment: 'in 元' },
      ],
      partitionColumns: ['dt'],
      facts: { Location: 'hdfs://nn/t/dt=1', InputFormat: 'org.x.MapredParquetInputFormat' },
      parameters: { numFiles: '2', 'tributary.positions': '{"0":1}', 'tributary.note': "it's 完 \\ end" },
    });
  });
});

describe('columns', () => {
  it('are the same under the names that Hive takes for one type', () => {
    expect(normalType('INTEGER')).toBe('int');
    expect(normalType('Decimal')).toBe('decimal(10,0)');
    expect(normalType('numeric( 18 )')).toBe('decimal(18,0)');
    expect(normalType('array< struct<A: INT> >')).toBe('array<struct<a:int>>');
  });

  it('are missing by name, whatever their case', () => {
    const table = {
      name: 't',
      partitionColumns: [],
      location: '',
      columns: [
        { name: 'Uid', type: 'BIGINT' },
        { name: 'x', type: 'int' },
      ],
    };
    expect(missingColumns(table, [{ name: 'uid', type: 'bigint' }])).toEqual([{ name: 'x', type: 'int' }]);
  });
});
