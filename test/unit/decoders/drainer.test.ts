import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDrainerDecoder } from '../../../changelog/decoders/drainer.js';
import type { CanonicalChange, RowImage } from '../../../changelog/types.js';
import type { FixtureExpected } from '../../fixtures/load.js';
import { fixtureCases, loadFixture } from '../../fixtures/load.js';
import {
  columnTypes,
  comparable,
  decodeFixture,
  decodesOrRefuses,
  expectFinalRows,
  record,
  undecodable,
} from './support.js';

import { binlog, cell, column, mutation, row, tableMessage } from './drainer-bytes.js';

const decode = createDrainerDecoder();

/** The fixture keeps an update with a changed key as one entry; the decoder splits it, deletes first. */
function expectedChanges(entry: FixtureExpected): Record<string, unknown>[] {
  const base = { table: entry.table, ts: entry.order };
  if (entry.op === 'u' && entry.old_key !== undefined) {
    return [
      { ...base, op: 'd', row: entry.before, before: null },
      { ...base, op: 'i', row: entry.after, before: null },
    ];
  }
  if (entry.op === 'd') return [{ ...base, op: 'd', row: entry.before, before: null }];
  return [{ ...base, op: entry.op, row: entry.after, before: entry.before }];
}

describe('drainer fixtures', () => {
  it.each(fixtureCases('drainer'))('%s', (name) => {
    const fixture = loadFixture('drainer', name);
    const decoded = decodeFixture(createDrainerDecoder(), fixture.messages);
    const rows = fixture.expected.filter((entry) => ['i', 'u', 'd'].includes(entry.op));
    const changes = decoded.flatMap(({ result }) => result.changes);
    const shown = changes.map((change: CanonicalChange) => {
      const table = `${change.database}.${change.table}`;
      const types = columnTypes(fixture, table);
      const { op, ts, row, before } = change;
      return { table, ts: String(ts), op, row: comparable(row, types), before: comparable(before, types) };
    });
    const wanted = rows.flatMap(expectedChanges).map((entry) => {
      const types = columnTypes(fixture, String(entry.table));
      const row = comparable(entry.row as RowImage, types);
      return { ...entry, row, before: comparable(entry.before as RowImage | null, types) };
    });
    expect(shown).toEqual(wanted);

    const ddl = decoded.flatMap(({ result }) => result.ddl ?? []);
    const wantedDdl = fixture.expected.filter((entry) => entry.op === 'ddl');
    expect(ddl.map(({ ts, sql }) => ({ ts: String(ts), sql }))).toEqual(
      wantedDdl.map(({ order, sql }) => ({ ts: order, sql })),
    );
    for (const change of changes) {
      const table = fixture.table.find((entry) => entry.table === `${change.database}.${change.table}`);
      if (table !== undefined && table.key.length > 0) expect(change.key).toEqual(table.key);
      expect(change.eventMs).toBe(Number((change.ts ?? 0n) >> 18n));
    }
    expectFinalRows(changes, fixture);
  });
});

describe('drainer traps', () => {
  const one = (type: string, value: Buffer, more: { kind?: number; before?: Buffer } = {}) =>
    binlog([
      tableMessage(
        'shop',
        'bill',
        [column('id', 'bigint', true), column('c', type)],
        [
          mutation(
            more.kind ?? 0,
            row([cell.int(7), value]),
            more.before === undefined ? undefined : row([cell.int(7), more.before]),
          ),
        ],
      ),
    ]);
  const valueOf = (bytes: Buffer, options = {}) =>
    createDrainerDecoder(options)(record(bytes)).changes[0]?.row.c;

  it('decodes the annotated example of the reference, byte for byte', () => {
    const hex =
      '08001087 80b08fe1 a7f79b06 1a680a66 0a047368 6f701204 62696c6c 1a120a02 69641206 626967696e741801 20142800' +
      '1a140a03 616d7412 07646563 696d616c 1800200a 2802221f 0801120d 0a021007 0a073205 31322e35 301a0c0a 0210070a' +
      '06320439 2e30302a 0d0a0750 52494d41 52591202 6964';
    const [change] = decode(record(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).changes;
    expect(change).toMatchObject({
      database: 'shop',
      table: 'bill',
      op: 'u',
      ts: 448069946605043719n,
      eventMs: 1709251200123,
      row: { id: '7', amt: '12.50' },
      before: { id: '7', amt: '9.00' },
      key: ['id'],
      types: { id: 'bigint', amt: 'decimal(10,2)' },
    });
  });

  it('keeps 64-bit values exact', () => {
    expect(valueOf(one('bigint', cell.int(2n ** 63n - 1n)))).toBe('9223372036854775807');
    expect(valueOf(one('bigint', cell.int(-(2n ** 63n))))).toBe('-9223372036854775808');
    expect(valueOf(one('bigint', cell.uint(2n ** 64n - 1n)))).toBe('18446744073709551615');
    const types = createDrainerDecoder()(record(one('bigint', cell.uint(1n)))).changes[0]?.types;
    expect(types).toEqual({ id: 'bigint', c: 'bigint unsigned' });
  });

  it('tells NULL, zero and empty text apart by presence, and refuses a value that is not there', () => {
    expect(valueOf(one('varchar', cell.null()))).toBeNull();
    expect(valueOf(one('varchar', cell.text('')))).toBe('');
    expect(valueOf(one('bigint', cell.int(0)))).toBe('0');
    expect(undecodable(() => decode(record(one('bigint', Buffer.alloc(0))))).attributes.reason).toBe(
      'malformed',
    );
  });

  it('never replaces text that is not UTF-8', () => {
    const latin1 = one('varchar', cell.bytesAsText(Buffer.from([0x61, 0xe9])));
    expect(undecodable(() => decode(record(latin1))).attributes.reason).toBe('invalid-utf8');
    expect(valueOf(latin1, { invalidText: 'hex' })).toBe('hex:61e9');
  });

  it('writes FLOAT as the shortest float32', () => {
    expect(valueOf(one('float', cell.double(Math.fround(3.14))))).toBe('3.14');
    expect(valueOf(one('double', cell.double(Math.fround(3.14))))).toBe('3.140000104904175');
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (value) => {
        expect(Math.fround(Number(valueOf(one('float', cell.double(value)))))).toBe(value);
      }),
    );
  });

  it('makes TIMESTAMP an instant where the zone is declared, and leaves DATETIME and zero dates alone', () => {
    const zoned = (type: string, text: string, zone = 'Asia/Shanghai') =>
      valueOf(one(type, cell.text(text)), { zone });
    expect(zoned('timestamp', '2024-03-01 08:00:00')).toBe('2024-03-01 00:00:00Z');
    expect(zoned('timestamp', '1986-07-01 09:00:00.250')).toBe('1986-07-01 00:00:00.250Z');
    expect(zoned('timestamp', '0000-00-00 00:00:00')).toBe('0000-00-00 00:00:00');
    expect(zoned('datetime', '2024-03-01 08:00:00')).toBe('2024-03-01 08:00:00');
    expect(zoned('timestamp', '2024-11-03 01:30:00', 'America/New_York')).toBe('2024-11-03 05:30:00Z');
    expect(zoned('timestamp', '2024-11-03 02:30:00', 'America/New_York')).toBe('2024-11-03 07:30:00Z');
    expect(zoned('timestamp', '2024-03-10 03:00:01', 'America/New_York')).toBe('2024-03-10 07:00:01Z');
    expect(zoned('timestamp', '2024-03-01 08:00:00', '')).toBe('2024-03-01 08:00:00');
    expect(zoned('timestamp', '2024-03-01 08:00:00.5', 'UTC')).toBe('2024-03-01 08:00:00.5Z');
    expect(() => createDrainerDecoder({ zone: 'Mars/Olympus' })).toThrow(/zone/);
  });

  it('names members of ENUM and SET where the configuration declares them', () => {
    const options = { 'members.c': 'new,paid', 'members.bill.c': '["new","paid, late"]' };
    expect(valueOf(one('enum', cell.uint(2n)), options)).toBe('paid, late');
    expect(valueOf(one('enum', cell.uint(0n)), options)).toBe('');
    expect(valueOf(one('enum', cell.uint(9n)), options)).toBe('9');
    expect(valueOf(one('set', cell.uint(3n)), { 'members.c': 'a,b' })).toBe('a,b');
    expect(valueOf(one('enum', cell.uint(2n)))).toBe('2');
    expect(createDrainerDecoder(options)(record(one('enum', cell.uint(1n)))).changes[0]?.types?.c).toBe(
      "enum('new','paid, late')",
    );
  });

  it('leaves declared generated columns out where the producer wrote NULL for want of a value', () => {
    const update = one('int', cell.null(), { kind: 1, before: cell.null() });
    const [change] = createDrainerDecoder({ generated: 'bill.c' })(record(update)).changes;
    expect(change?.row).toEqual({ id: '7' });
    expect(change?.before).toEqual({ id: '7' });
    expect(valueOf(update)).toBeNull();
  });

  it('reads a table that occurs twice in one record, with other columns, in the order of the record', () => {
    const part = (name: string, image: Buffer) =>
      tableMessage(
        'shop',
        'bill',
        [column('id', 'bigint', true), column(name, 'varchar')],
        [mutation(0, image)],
      );
    const { changes } = decode(
      record(
        binlog([
          part('a', row([cell.int(1), cell.text('x')])),
          part('b', row([cell.int(2), cell.text('y')])),
        ]),
      ),
    );
    expect(changes.map((change) => change.row)).toEqual([
      { id: '1', a: 'x' },
      { id: '2', b: 'y' },
    ]);
    expect(changes[0]!.seq < changes[1]!.seq).toBe(true);
  });

  it('answers nothing to a tombstone', () => {
    expect(decode(record(null))).toEqual({ changes: [] });
  });

  it('refuses every truncation and any damage with RecordUndecodable', () => {
    const whole = loadFixture('drainer', 'multi_table').messages[0]?.value ?? Buffer.alloc(0);
    for (let length = 0; length < whole.length; length++) {
      undecodable(() => decode(record(whole.subarray(0, length))));
    }
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const bytes = Buffer.from(whole);
        bytes[at] = byte;
        decodesOrRefuses(() => decode(record(bytes)));
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        decodesOrRefuses(() => decode(record(Buffer.from(bytes))));
      }),
      { numRuns: 500 },
    );
  });

  it('takes one transaction of 100 000 rows without fuss', () => {
    const rows = Array.from({ length: 100_000 }, (_, i) =>
      mutation(0, row([cell.int(i), cell.text(`row number ${i}`)])),
    );
    const bytes = binlog([
      tableMessage('shop', 'bill', [column('id', 'bigint', true), column('v', 'varchar')], rows),
    ]);
    const started = performance.now();
    const { changes } = decode(record(bytes));
    expect(changes).toHaveLength(100_000);
    expect(changes[99_999]?.row).toEqual({ id: '99999', v: 'row number 99999' });
    expect(changes[0]?.types).toBe(changes[99_999]?.types);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
