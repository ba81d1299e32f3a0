import fc from 'fast-check';
import type { SnapshotTable } from '../../../warehouse/snapshot/types.js';
import { CHANGE_TAIL, type TestColumn } from './engine.js';

/** One change as a changelog row has it, of a table (a int, b string, v string, n int) with key (a, b). */
export interface Change {
  op: 'i' | 'u' | 'd';
  ts: number;
  seq: number;
  a: number;
  b: string;
  v: string | null;
  n: number | null;
  before: { a?: number; b?: string } | null;
}

export type Row = Pick<Change, 'a' | 'b' | 'v' | 'n'>;

export const keyOf = (row: { a: number; b: string }): string => `${row.a}/${row.b}`;

/** Source time of one step of a history, ms: several changes share one, as in a transaction. */
export const STEP_MS = 1000;

interface Step {
  action: 'write' | 'delete' | 'move' | 'swap';
  a: number;
  b: string;
  toA: number;
  toB: string;
  sameTime: boolean;
}

const letters = fc.constantFrom('x', 'y', 'X', '');
const step: fc.Arbitrary<Step> = fc.record({
  action: fc.constantFrom('write', 'write', 'delete', 'move', 'swap'),
  a: fc.integer({ min: 0, max: 3 }),
  b: letters,
  toA: fc.integer({ min: 0, max: 3 }),
  toB: letters,
  sameTime: fc.boolean(),
});

/** What a source does, as its log tells it: consistent, in source order. */
export const sourceHistory: fc.Arbitrary<Change[]> = fc.array(step, { maxLength: 40 }).map(play);

function play(steps: Step[]): Change[] {
  const rows = new Map<string, Row>();
  const changes: Change[] = [];
  let ts = 1;
  let seq = 0;
  steps.forEach((current, i) => {
    if (current.sameTime) seq += 1;
    else {
      ts += 1;
      seq = 0;
    }
    const emit = (op: Change['op'], row: Row, before: Change['before'] = null): void => {
      changes.push({ op, ts: ts * STEP_MS, seq, before, ...row });
    };
    const at = keyOf(current);
    const to = { a: current.toA, b: current.toB };
    const old = rows.get(at);
    const fresh = (key: { a: number; b: string }): Row => ({
      a: key.a,
      b: key.b,
      v: i % 5 === 0 ? null : `v${i}`,
      n: i % 7 === 0 ? null : i,
    });
    if (current.action === 'write') {
      emit(old ? 'u' : 'i', fresh(current), old ? {} : null);
      rows.set(at, fresh(current));
    } else if (current.action === 'delete' && old) {
      emit('d', old);
      rows.delete(at);
    } else if (current.action === 'move' && old && !rows.has(keyOf(to))) {
      emit('u', fresh(to), { a: old.a, ...(old.b !== to.b && { b: old.b }) });
      rows.delete(at);
      rows.set(keyOf(to), fresh(to));
    } else if (current.action === 'swap' && old && rows.has(keyOf(to)) && at !== keyOf(to)) {
      // Two rows trade keys in one transaction, both at one order.
      const other = rows.get(keyOf(to))!;
      const first = { ...old, ...to };
      const second = { ...other, a: current.a, b: current.b };
      emit('u', first, { a: old.a, b: old.b });
      emit('u', second, { a: other.a, b: other.b });
      rows.set(keyOf(to), first);
      rows.set(at, second);
    }
  });
  return changes;
}

/** Which commit brings each change, with repeats, and which boundary each snapshot has after how many commits. */
export interface Delivery {
  commits: Change[][];
  snapshots: { boundary: number; commits: number; extra: number }[];
}

/** Any order, any lateness, any number of repeats. */
export function deliveries(changes: Change[]): fc.Arbitrary<Delivery> {
  return fc
    .record({
      places: fc.array(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 2 }), {
        minLength: changes.length,
        maxLength: changes.length,
      }),
      cuts: fc.array(
        fc.record({
          boundary: fc.integer({ min: 0, max: 45 }),
          commits: fc.integer({ min: 0, max: 4 }),
          extra: fc.nat(15),
        }),
        { minLength: 1, maxLength: 3 },
      ),
      order: fc.infiniteStream(fc.nat(1000)),
    })
    .map(({ places, cuts, order }) => {
      const commits: Change[][] = [[], [], [], []];
      changes.forEach((change, i) => {
        for (const place of places[i]!) {
          const commit = commits[place]!;
          commit.splice(order.next().value % (commit.length + 1), 0, change);
        }
      });
      const boundaries = cuts.map((cut) => cut.boundary * STEP_MS).sort((x, y) => x - y);
      const counts = cuts.map((cut) => cut.commits).sort((x, y) => x - y);
      return {
        commits,
        snapshots: boundaries.map((boundary, i) => ({
          boundary,
          commits: counts[i]!,
          extra: cuts[i]!.extra,
        })),
      };
    });
}

/** The table after these changes, by playing them in source order: as plain as it gets, and independent of the engines. */
export function replay(changes: Change[]): Row[] {
  const order = (x: Change, y: Change): number => x.ts - y.ts || x.seq - y.seq;
  const sorted = [...changes].sort(order);
  const rows = new Map<string, Row>();
  for (let from = 0; from < sorted.length;) {
    let to = from;
    while (to < sorted.length && order(sorted[from]!, sorted[to]!) === 0) to += 1;
    const group = sorted.slice(from, to);
    for (const change of group) {
      if (change.op === 'd') rows.delete(keyOf(change));
      else if (change.before) rows.delete(keyOf({ a: change.a, b: change.b, ...change.before }));
    }
    for (const { op, a, b, v, n } of group) if (op !== 'd') rows.set(keyOf({ a, b }), { a, b, v, n });
    from = to;
  }
  return [...rows.values()].sort((x, y) => x.a - y.a || (x.b < y.b ? -1 : x.b > y.b ? 1 : 0));
}

export const shopTable: SnapshotTable = {
  name: 'shop',
  kind: 'relational',
  key: ['a', 'b'],
  columns: [
    { name: 'a', type: 'int' },
    { name: 'b', type: 'string' },
    { name: 'v', type: 'string' },
    { name: 'n', type: 'bigint' },
  ],
};
export const shopColumns: TestColumn[] = [
  ['a', 'INTEGER'],
  ['b', 'VARCHAR'],
  ['v', 'VARCHAR'],
  ['n', 'BIGINT'],
  ...CHANGE_TAIL,
];

/** Changelog rows of changes. */
export function landedChanges(changes: Change[], from: number): Record<string, unknown>[] {
  return changes.map(({ op, ts, seq, before, ...row }, i) => ({
    ...row,
    kafka_partition: 0,
    kafka_offset: from + i,
    ingest_batch: 'b',
    event_time: new Date(ts).toISOString().replace('T', ' ').replace('Z', ''),
    cdc_op: op,
    cdc_ts: ts,
    cdc_seq: seq,
    // Old values are text in the source's notation, whatever the column's type.
    cdc_before:
      before &&
      JSON.stringify(Object.fromEntries(Object.entries(before).map(([k, value]) => [k, String(value)]))),
  }));
}
