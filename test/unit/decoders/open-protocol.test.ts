import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compressFrameSync } from 'lz4-napi';
import { goUnquote } from '../../../changelog/decoders/go-quote.js';
import { createOpenProtocolDecoder } from '../../../changelog/decoders/open-protocol.js';
import type { RowImage } from '../../../changelog/types.js';
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

const decode = createOpenProtocolDecoder();

function frame(...texts: (string | Buffer)[]): Buffer {
  const parts = texts.map((text) => {
    const content = Buffer.from(text);
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(BigInt(content.length));
    return Buffer.concat([length, content]);
  });
  return Buffer.concat(parts);
}

const VERSION = Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]);

function event(head: string, body: string | Buffer) {
  return record(frame(body), { key: Buffer.concat([VERSION, frame(head)]) });
}

const ROW = '{"ts":448069946605043719,"scm":"shop","tbl":"bill","t":1}';
const rowOf = (column: string, options = {}) =>
  createOpenProtocolDecoder(options)(event(ROW, `{"u":{"c":${column}}}`)).changes[0];

describe('open-protocol fixtures', () => {
  it.each(fixtureCases('ticdc-open'))('%s', (name) => {
    const fixture = loadFixture('ticdc-open', name);
    const decoder = createOpenProtocolDecoder({ handleKeyOnly: 'partial' });
    const decoded = decodeFixture(decoder, fixture.messages);
    const changes = decoded.flatMap(({ result }) => result.changes);

    // Batches of partitions interleave, so rows are compared per key, in the order of (ts, rank).
    const rank = { d: 0, u: 1, i: 2 };
    const sorted = (list: Record<string, unknown>[]) => list.map((entry) => JSON.stringify(entry)).sort();
    const columns = (row: RowImage | null, table: string) =>
      row &&
      Object.entries(comparable(row, columnTypes(fixture, table)) ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
    const shown = changes.map(({ database, table, op, ts, seq, row, before }) => {
      expect(seq).toBe(BigInt(rank[op]));
      const where = `${database}.${table}`;
      // Only the changed columns may be in `before`: the others are as after.
      const full = before === null ? null : { ...row, ...before };
      return { where, op, ts: String(ts), row: columns(row, where), before: columns(full, where) };
    });
    const wanted = fixture.expected
      .filter((entry) => ['i', 'u', 'd'].includes(entry.op))
      .map((entry) => {
        const where = String(entry.table);
        const row = (entry.op === 'd' ? entry.before : entry.after) as RowImage;
        const before = entry.op === 'u' ? (entry.before as RowImage | null) : null;
        // Without old values an update looks like an insert.
        const op = entry.op === 'u' && before === null ? 'i' : entry.op;
        return { where, op, ts: entry.order, row: columns(row, where), before: columns(before, where) };
      });
    expect(sorted(shown)).toEqual(sorted(wanted));

    const keyed = changes.filter((change) => change.key !== undefined);
    for (const change of keyed) {
      const table = fixture.table.find((entry) => entry.table === `${change.database}.${change.table}`);
      if (table !== undefined) expect([...(change.key ?? [])].sort()).toEqual([...table.key].sort());
    }
    const copies = fixture.expected.flatMap((entry) =>
      Array.from({ length: Number(entry.copies ?? 1) }, () => entry),
    );
    const ddl = decoded.flatMap(({ result }) => result.ddl ?? []);
    expect(ddl.map(({ ts, sql }) => `${String(ts)} ${sql}`).sort()).toEqual(
      copies
        .filter(({ op }) => op === 'ddl')
        .map(({ order, sql }) => `${String(order)} ${String(sql)}`)
        .sort(),
    );
    const watermarks = decoded.flatMap(({ result }) =>
      result.watermark === undefined ? [] : [result.watermark],
    );
    expect(watermarks.map(String).sort()).toEqual(
      copies
        .filter(({ op }) => op === 'watermark')
        .map(({ order }) => order)
        .sort(),
    );
    expectFinalRows(changes, fixture);
  });
});

describe('open-protocol traps', () => {
  it('keeps 64-bit values exact', () => {
    expect(rowOf('{"t":8,"f":128,"v":18446744073709551615}')).toMatchObject({
      ts: 448069946605043719n,
      eventMs: 1709251200123,
      row: { c: '18446744073709551615' },
      types: { c: 'bigint unsigned' },
    });
    expect(rowOf('{"t":8,"f":0,"v":9223372036854775807}')?.row.c).toBe('9223372036854775807');
  });

  it.each([
    ['{"t":16,"f":64,"v":18446744073709551615}', '18446744073709551615', 'bit'],
    ['{"t":248,"f":64,"v":18446744073709551615}', '18446744073709551615', 'set'],
    ['{"t":247,"f":64,"v":0}', '0', 'enum'],
    ['{"t":13,"f":64,"v":0}', '0', 'year'],
    ['{"t":5,"f":64,"v":1e+300}', '1e+300', 'double'],
    ['{"t":4,"f":64,"v":3.140000104904175}', '3.14', 'float'],
    ['{"t":225,"f":64,"v":"[1,2.5]"}', '[1,2.5]', 'vector'],
    ['{"t":11,"f":65,"v":"-838:59:59.000001"}', '-838:59:59.000001', 'time'],
    ['{"t":10,"f":65,"v":"0000-00-00"}', '0000-00-00', 'date'],
    [
      '{"t":246,"f":65,"v":"-0.000000000000000000000000000001"}',
      '-0.000000000000000000000000000001',
      'decimal',
    ],
    ['{"t":245,"f":65,"v":"{\\"a\\": 1e400}"}', '{"a": 1e400}', 'json'],
    ['{"t":252,"f":64,"v":"w6kA"}', 'é\u0000', 'text'],
    ['{"t":252,"f":65,"v":""}', 'hex:', 'blob'],
    ['{"t":254,"f":64,"v":"\\\\x00"}', '\\x00', 'char'],
    ['{"t":15,"f":64,"v":""}', '', 'varchar'],
    ['{"t":6,"f":64,"v":null}', null, 'null'],
  ])('%s is %j, of type %s', (json, text, type) => {
    expect(rowOf(json)).toMatchObject({ row: { c: text }, types: { c: type } });
  });

  it('makes TIMESTAMP an instant where the zone is declared', () => {
    const column = '{"t":7,"f":1,"v":"2024-03-01 08:00:00"}';
    expect(rowOf(column, { zone: 'Asia/Shanghai' })?.row.c).toBe('2024-03-01 00:00:00Z');
    expect(rowOf(column)?.row.c).toBe('2024-03-01 08:00:00');
  });

  it('refuses a row of which only the key was sent, unless told otherwise', () => {
    const head = '{"ts":448069946605043719,"scm":"shop","tbl":"bill","t":1,"ohk":true}';
    const key = '{"id":{"t":3,"h":true,"f":11,"v":2}}';
    expect(undecodable(() => decode(event(head, `{"u":${key}}`))).attributes.reason).toBe('handle-key-only');
    const partial = createOpenProtocolDecoder({ handleKeyOnly: 'partial' })(event(head, `{"u":${key}}`));
    expect(partial.changes[0]).toMatchObject({ row: { id: '2' } });
    expect(JSON.parse(partial.changes[0]?.patch ?? '')).toMatchObject({ kind: 'unknown' });
    // A delete is complete with its key.
    expect(decode(event(head, `{"d":${key}}`)).changes[0]).toMatchObject({ op: 'd', row: { id: '2' } });
  });

  it('says where a claim-checked value is', () => {
    const head = '{"ts":448069946605043719,"scm":"shop","tbl":"bill","t":1,"ccl":"s3://b/x.json"}';
    const error = undecodable(() => decode(event(head, '{"u":{"id":{"t":3,"h":true,"f":11,"v":2}}}')));
    expect(error.attributes.reason).toBe('claim-check');
    expect(error.message).toContain('s3://b/x.json');
  });

  it('splits an update that changes the handle key', () => {
    const column = (v: number) => `{"id":{"t":3,"h":true,"f":11,"v":${v}},"v":{"t":15,"f":0,"v":"x"}}`;
    const { changes } = decode(event(ROW, `{"u":${column(2)},"p":${column(1)}}`));
    expect(changes.map(({ op, seq, row }) => [op, seq, row.id])).toEqual([
      ['d', 0n, '1'],
      ['i', 2n, '2'],
    ]);
  });

  it('never replaces text that is not UTF-8', () => {
    const column = `{"t":252,"f":0,"v":"${Buffer.from([0x61, 0xe9]).toString('base64')}"}`;
    expect(undecodable(() => rowOf(column)).attributes.reason).toBe('invalid-utf8');
    expect(rowOf(column, { invalidText: 'hex' })?.row.c).toBe('hex:61e9');
  });

  it('reads values that TiCDC compressed one by one, with LZ4 or snappy', () => {
    const body = '{"u":{"c":{"t":3,"f":0,"v":7}}}';
    expect(decode(event(ROW, compressFrameSync(Buffer.from(body)))).changes[0]?.row).toEqual({ c: '7' });
    const literal = Buffer.concat([Buffer.from([body.length, (body.length - 1) << 2]), Buffer.from(body)]);
    expect(decode(event(ROW, literal)).changes[0]?.row).toEqual({ c: '7' });
  });

  it('undoes every escape of Go', () => {
    expect(goUnquote(String.raw`\a\b\f\n\r\t\v\\\"\x00\xffé\u00e9\U0001f600`).toString('hex')).toBe(
      '07080c0a0d090b5c2200ffc3a9c3a9f09f9880',
    );
    expect(() => goUnquote('\\q')).toThrow(/escape/);
    expect(() => goUnquote('tail\\')).toThrow(/escape/);
  });

  it('answers nothing to a tombstone and refuses a value without its key', () => {
    expect(decode(record(null))).toEqual({ changes: [] });
    undecodable(() => decode(record(Buffer.from('{}'))));
  });

  it('refuses every truncation and any damage with RecordUndecodable', () => {
    const message = loadFixture('ticdc-open', 'types_int').messages[0];
    const [key, value] = [message?.key ?? Buffer.alloc(0), message?.value ?? Buffer.alloc(0)];
    for (let length = 0; length < value.length; length++) {
      undecodable(() => decode(record(value.subarray(0, length), { key })));
    }
    for (let length = 0; length < key.length; length++) {
      undecodable(() => decode(record(value, { key: key.subarray(0, length) })));
    }
    const at = fc.nat(value.length - 1);
    fc.assert(
      fc.property(at, fc.nat(255), (index, byte) => {
        const bytes = Buffer.from(value);
        bytes[index] = byte;
        decodesOrRefuses(() => decode(record(bytes, { key })));
      }),
      { numRuns: 300 },
    );
    const random = fc.uint8Array({ maxLength: 80 });
    fc.assert(
      fc.property(random, random, fc.boolean(), (k, v, version) => {
        const head = version ? Buffer.concat([VERSION, Buffer.from(k)]) : Buffer.from(k);
        decodesOrRefuses(() => decode(record(Buffer.from(v), { key: head })));
        decodesOrRefuses(() => decode(event(ROW, Buffer.from(v))));
      }),
      { numRuns: 300 },
    );
  });
});
