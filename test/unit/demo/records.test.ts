import { describe, expect, it } from 'vitest';
import { decoderFactory } from '../../../changelog/decoders/index.js';
import { canalJson, drainerBinlog, oplogJson, type RowChange } from '../../../demo/mirror/records.js';
import { orders, payments } from '../../../demo/mirror/tables.js';
import { record } from '../decoders/support.js';

const TSO = '448069946605043719';
const paid: RowChange = {
  table: payments,
  before: null,
  after: { trade_no: 'T1', order_id: '9007199254740993', paid: '12.50', channel: '卡' },
};

// The demo's word is that its records are what the real producers send; the decoders are tested against those producers' bytes.
describe('the demo writes what real producers write', () => {
  it('Drainer: protobuf with the commit TSO', () => {
    const decode = decoderFactory('drainer')!({ zone: 'Asia/Shanghai' });
    const { changes } = decode(
      record(drainerBinlog('shop', [paid, { ...paid, before: paid.after, after: null }], TSO).value),
    );
    expect(changes.map(({ op, ts, row, table }) => ({ op, ts, row, table }))).toEqual([
      { op: 'i', ts: BigInt(TSO), row: paid.after, table: 'payments' },
      { op: 'd', ts: BigInt(TSO), row: paid.after, table: 'payments' },
    ]);
  });

  it('TiCDC: canal-json whose TSO keeps all its digits', () => {
    const row = {
      id: '1',
      customer: '王',
      status: 'new',
      amount: '1.00',
      note: null,
      updated_at: '2026-01-01 00:00:00.000',
    };
    const { value, key } = canalJson(
      'shop',
      { table: orders, before: row, after: { ...row, note: 'x' } },
      TSO,
      5,
    );
    expect(key).toBe('1');
    expect(value.toString()).toContain(`"_tidb":{"commitTs":${TSO}}`);
    expect(JSON.parse(value.toString())).toMatchObject({
      type: 'UPDATE',
      old: [{ note: null }],
      data: [{ note: 'x' }],
      pkNames: ['id'],
    });
  });

  it('MongoShake: oplog entries in canonical extended JSON', () => {
    const decode = decoderFactory('mongoshake')!({});
    const entry = { seconds: 1_700_000_000, increment: 3, ns: 'shop.carts', key: 'c' };
    const { changes } = decode(
      record(
        oplogJson({
          ...entry,
          op: 'u',
          o: '{"$v":{"$numberInt":"1"},"$set":{"a.0":{"$numberInt":"7"}}}',
          o2: '{"_id":"c"}',
        }).value,
      ),
    );
    expect(changes).toMatchObject([{ op: 'u', ts: (1_700_000_000n << 32n) | 3n, row: { doc_id: 'c' } }]);
    expect(changes[0]!.patch).toBeDefined();
  });
});
