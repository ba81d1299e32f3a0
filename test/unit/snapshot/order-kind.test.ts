import { describe, expect, it } from 'vitest';
import { orderKind } from '../../../warehouse/snapshot/order-kind.js';

const ms = Date.parse('2026-03-01T00:00:00Z');

// An order key that is taken for what it is not would put changes on the wrong side of a boundary.
describe('what the order key of a log counts', () => {
  it.each([
    ['canal-json', 'tso', (BigInt(ms) << 18n) + 5n],
    ['canal-json', 'ms', BigInt(ms)],
    ['canal-json', 'offset', 123_456n],
    ['drainer', 'tso', BigInt(ms) << 18n],
    ['mongoshake', 'oplog', BigInt(ms / 1000) << 32n],
    ['debezium', 'oplog', BigInt(ms / 1000) << 32n],
    ['debezium', 'offset', (3n << 32n) + 4711n],
    ['maxwell', 'offset', 99n],
  ] as const)('%s: %s', (format, kind, ts) => {
    expect(orderKind(format, { cdcTs: `${ts}`, eventMs: ms })).toBe(kind);
  });

  it('is the likeliest where the log is still empty', () => {
    expect(orderKind('canal-json', undefined)).toBe('tso');
    expect(orderKind('mongoshake', undefined)).toBe('oplog');
  });
});
