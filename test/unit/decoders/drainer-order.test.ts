import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDrainerDecoder } from '../../../changelog/decoders/drainer.js';
import { binlog, cell, column, mutation, row, tableMessage } from './drainer-bytes.js';
import { record, sortChanges } from './support.js';

const decode = createDrainerDecoder();

describe('drainer order inside one transaction', () => {
  type Step = ['i', number, string] | ['d', number, string] | ['u', number, string, number, string];

  /** Keys and values left by (ts, seq) when a transaction does `steps`; `there` are rows from before. */
  function left(steps: Step[], there: Record<number, string>): Record<string, string> {
    const bytes = binlog([
      tableMessage(
        'shop',
        'bill',
        [column('id', 'bigint', true), column('v', 'varchar')],
        steps.map((step) => {
          const image = (id: number, v: string) => row([cell.int(id), cell.text(v)]);
          if (step[0] === 'i') return mutation(0, image(step[1], step[2]));
          if (step[0] === 'd') return mutation(2, image(step[1], step[2]));
          return mutation(1, image(step[3], step[4]), image(step[1], step[2]));
        }),
      ),
    ]);
    const rows = new Map(Object.entries(there));
    for (const change of sortChanges(decode(record(bytes)).changes)) {
      rows.delete(String(change.row.id));
      if (change.op !== 'd') rows.set(String(change.row.id), String(change.row.v));
    }
    return Object.fromEntries([...rows].sort());
  }

  it('keeps a chain through a spare key', () => {
    const steps: Step[] = [
      ['u', 1, 'a', -1, 'a'],
      ['u', 2, 'b', 1, 'b'],
      ['u', -1, 'a', 2, 'a'],
    ];
    expect(left(steps, { 1: 'a', 2: 'b' })).toEqual({ 1: 'b', 2: 'a' });
  });

  it('keeps both rows of a swap by one statement', () => {
    const steps: Step[] = [
      ['u', 1, 'a', 2, 'a'],
      ['u', 2, 'b', 1, 'b'],
    ];
    expect(left(steps, { 1: 'a', 2: 'b' })).toEqual({ 1: 'b', 2: 'a' });
    const cycle: Step[] = [
      ['u', 1, 'a', 2, 'a'],
      ['u', 2, 'b', 3, 'b'],
      ['u', 3, 'c', 1, 'c'],
    ];
    expect(left(cycle, { 1: 'a', 2: 'b', 3: 'c' })).toEqual({ 1: 'c', 2: 'a', 3: 'b' });
  });

  it('keeps an insert after a delete of its key, and drops a delete after an insert', () => {
    const again: Step[] = [
      ['d', 1, 'a'],
      ['i', 1, 'new'],
    ];
    expect(left(again, { 1: 'a' })).toEqual({ 1: 'new' });
    const gone: Step[] = [
      ['i', 5, 'x'],
      ['d', 5, 'x'],
    ];
    expect(left(gone, {})).toEqual({});
  });

  it('agrees with executing any transaction statement by statement', () => {
    const ids = fc.integer({ min: 1, max: 4 });
    const command = fc.tuple(fc.constantFrom('put', 'drop', 'move'), ids, ids, fc.string({ maxLength: 2 }));
    fc.assert(
      fc.property(fc.array(command, { maxLength: 12 }), (commands) => {
        const there: Record<number, string> = { 1: 'one', 2: 'two' };
        const rows = new Map<number, string>([
          [1, 'one'],
          [2, 'two'],
        ]);
        const steps: Step[] = [];
        for (const [what, id, to, v] of commands) {
          const old = rows.get(id);
          if (what === 'put') {
            steps.push(old === undefined ? ['i', id, v] : ['u', id, old, id, v]);
            rows.set(id, v);
          } else if (what === 'drop' && old !== undefined) {
            steps.push(['d', id, old]);
            rows.delete(id);
          } else if (what === 'move' && old !== undefined && !rows.has(to)) {
            steps.push(['u', id, old, to, v]);
            rows.delete(id);
            rows.set(to, v);
          }
        }
        expect(left(steps, there)).toEqual(
          Object.fromEntries([...rows].map(([id, v]) => [String(id), v] as const).sort()),
        );
      }),
    );
  });
});
