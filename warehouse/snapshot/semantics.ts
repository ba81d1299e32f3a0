/**
 * What a merge means, for one key and without any engine. Both engines are written in SQL and must agree with this file;
 * documents are folded by it. docs/snapshots.md says the same in words.
 */

/** Place of a change in the source's history. */
export interface Order {
  ts: bigint;
  seq: bigint;
}

/** Deletes come first among changes of equal order: an update that swaps keys deletes the old rows, then writes the new. */
export const RANK = { delete: 0, upsert: 1, patch: 2 } as const;

export type ChangeEvent<Row> =
  | (Order & { kind: 'delete'; atMs: number })
  | (Order & { kind: 'upsert'; row: Row })
  | (Order & { kind: 'patch'; patch: string });

/** What a snapshot knows of one key. `absent` with patches: they wait for the document that they change. */
export type KeyState<Row> =
  | (Order & { kind: 'row'; row: Row })
  | (Order & { kind: 'tombstone'; atMs: number; pending: (Order & { patch: string })[] })
  | { kind: 'absent'; pending: (Order & { patch: string })[] };

export type Folder<Row> = (row: Row, patch: string) => Row;

/** Negative if a is before b. */
export function compareOrder(a: Order, b: Order): number {
  if (a.ts !== b.ts) return a.ts < b.ts ? -1 : 1;
  return a.seq === b.seq ? 0 : a.seq < b.seq ? -1 : 1;
}

/**
 * The state of a key after a set of changes, in whatever order and number of copies they came.
 *
 * The newest of the stored state and of the full changes wins; at equal order a row beats a delete. Partial updates that
 * are newer than the winner are folded onto it in order; those at or below it are part of it already. Where the winner
 * is no row they wait, and are counted, until the document turns up.
 */
export function mergeKey<Row>(
  stored: KeyState<Row>,
  events: readonly ChangeEvent<Row>[],
  fold: Folder<Row>,
): KeyState<Row> {
  let winner: KeyState<Row> = stored;
  for (const event of events) {
    if (event.kind === 'patch' || !beats(event, winner)) continue;
    winner =
      event.kind === 'delete' ? { ...event, kind: 'tombstone', pending: [] } : { ...event, kind: 'row' };
  }
  const waiting = stored.kind === 'row' ? [] : stored.pending;
  const patches = applicable(winner, [...waiting, ...events.filter((event) => event.kind === 'patch')]);
  if (winner.kind !== 'row') return { ...winner, pending: patches };
  return patches.reduce(
    (state, { ts, seq, patch }) => ({ kind: 'row', ts, seq, row: fold(state.row, patch) }),
    winner,
  );
}

/** True if a full change replaces the state. Of a row and a change of equal order the row stays: they are the same row. */
function beats<Row>(event: Order & { kind: 'delete' | 'upsert' }, state: KeyState<Row>): boolean {
  if (state.kind === 'absent') return true;
  const order = compareOrder(event, state);
  return order === 0 ? state.kind === 'tombstone' && event.kind === 'upsert' : order > 0;
}

/** Patches newer than a state, in order, each once. */
function applicable<Row>(
  state: KeyState<Row>,
  patches: readonly (Order & { patch: string })[],
): (Order & { patch: string })[] {
  const newer = patches
    .filter((patch) => state.kind === 'absent' || compareOrder(patch, state) > 0)
    .sort(compareOrder);
  return newer
    .filter((patch, i) => i === 0 || compareOrder(patch, newer[i - 1]!) !== 0)
    .map(({ ts, seq, patch }) => ({ ts, seq, patch }));
}

/** True if a tombstone is still needed at a boundary: its delete lies inside the lateness window. */
export function keepsTombstone(atMs: number, boundaryMs: number, latenessMs: number): boolean {
  return atMs >= boundaryMs - latenessMs;
}
