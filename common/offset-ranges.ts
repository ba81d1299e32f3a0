/**
 * Sets of Kafka offsets as sorted, disjoint, half-open intervals by Kafka partition. Safe in workflow code.
 */
export type OffsetSet = Record<number, [from: number, to: number][]>;

/** Intervals that a set keeps for one Kafka partition when it is bounded: more are joined over their smallest gaps. */
export const MAX_INTERVALS = 8;

/** The union of sets. With `limit`, a superset of it with at most so many intervals a partition. */
export function unionOf(sets: readonly OffsetSet[], limit = Infinity): OffsetSet {
  const all: OffsetSet = {};
  for (const set of sets) {
    for (const [partition, intervals] of entries(set))
      all[partition] = [...(all[partition] ?? []), ...intervals];
  }
  const union: OffsetSet = {};
  for (const [partition, intervals] of entries(all)) {
    const joined = joinSmallestGaps(merged(intervals), limit);
    if (joined.length > 0) union[partition] = joined;
  }
  return union;
}

/** The same for sets by topic id. */
export function unionByTopic(
  all: readonly Readonly<Record<string, OffsetSet>>[],
  limit = Infinity,
): Record<string, OffsetSet> {
  const topics = [...new Set(all.flatMap((sets) => Object.keys(sets)))].sort();
  return Object.fromEntries(
    topics.map((topic) => [
      topic,
      unionOf(
        all.map((sets) => sets[topic] ?? {}),
        limit,
      ),
    ]),
  );
}

/** The offsets of `set` at or above a bound for each partition, and those below it. A partition without a bound is below. */
export function splitAt(
  set: OffsetSet,
  bounds: Readonly<Record<number, number>>,
): { below: OffsetSet; above: OffsetSet } {
  const below: OffsetSet = {};
  const above: OffsetSet = {};
  for (const [partition, intervals] of entries(set)) {
    const bound = bounds[partition] ?? Infinity;
    const low = merged(intervals.map(([from, to]) => [from, Math.min(to, bound)]));
    const high = merged(intervals.map(([from, to]) => [Math.max(from, bound), to]));
    if (low.length > 0) below[partition] = low;
    if (high.length > 0) above[partition] = high;
  }
  return { below, above };
}

/** The offsets of `set` that are not in `other`. */
export function subtract(set: OffsetSet, other: OffsetSet): OffsetSet {
  const left: OffsetSet = {};
  for (const [partition, intervals] of entries(set)) {
    let rest = merged(intervals);
    for (const [from, to] of other[partition] ?? []) {
      rest = merged(
        rest.flatMap(([a, b]): [number, number][] => [
          [a, Math.min(b, from)],
          [Math.max(a, to), b],
        ]),
      );
    }
    if (rest.length > 0) left[partition] = rest;
  }
  return left;
}

/** Number of offsets. */
export function sizeOf(set: OffsetSet): number {
  return entries(set).reduce(
    (sum, [, intervals]) => sum + intervals.reduce((own, [from, to]) => own + to - from, 0),
    0,
  );
}

/** The set as ranges, by partition and offset. */
export function rangesOf(set: OffsetSet): { partition: number; from: number; to: number }[] {
  return entries(set).flatMap(([partition, intervals]) =>
    intervals.map(([from, to]) => ({ partition, from, to })),
  );
}

/** What lies between two positions of a batch: every partition that moved. */
export function between(
  from: Readonly<Record<number, number>>,
  to: Readonly<Record<number, number>>,
): OffsetSet {
  const set: OffsetSet = {};
  for (const [name, end] of Object.entries(to)) {
    const start = from[Number(name)];
    if (start !== undefined && end > start) set[Number(name)] = [[start, end]];
  }
  return set;
}

/** `0: 100-250, 300-310; 2: 7-9`, for people; ends are the offset after the last. */
export function offsetsText(set: OffsetSet): string {
  return entries(set)
    .map(
      ([partition, intervals]) =>
        `${partition}: ${intervals.map(([from, to]) => `${from}-${to}`).join(', ')}`,
    )
    .join('; ');
}

function merged(intervals: readonly [number, number][]): [number, number][] {
  const sorted = intervals.filter(([from, to]) => to > from).sort((a, b) => a[0] - b[0]);
  const result: [number, number][] = [];
  for (const [from, to] of sorted) {
    const last = result.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else result.push([from, to]);
  }
  return result;
}

function joinSmallestGaps(intervals: [number, number][], limit: number): [number, number][] {
  const joined = [...intervals];
  while (joined.length > Math.max(1, limit)) {
    let at = 1;
    for (let i = 2; i < joined.length; i++) {
      if (joined[i]![0] - joined[i - 1]![1] < joined[at]![0] - joined[at - 1]![1]) at = i;
    }
    joined.splice(at - 1, 2, [joined[at - 1]![0], joined[at]![1]]);
  }
  return joined;
}

function entries(set: OffsetSet): [number, [number, number][]][] {
  return Object.entries(set)
    .map(([partition, intervals]): [number, [number, number][]] => [Number(partition), intervals])
    .sort((a, b) => a[0] - b[0]);
}
