import { between, MAX_INTERVALS, sizeOf, unionByTopic } from '../common/offset-ranges.js';
import type { PartitionFiles } from './commit-plan.js';
import { streamName } from './layout.js';
import type { CommitFile, CommitRecord, PartitionState } from './manifest.js';

/**
 * The state after a commit's files came in; undefined if that commit is in already, so that no attempt counts rows twice.
 * A complete partition gets its next revision: readers that copied it can see that they have to come back.
 */
export function addFiles(
  state: PartitionState | undefined,
  record: CommitRecord,
  group: PartitionFiles<CommitFile> & { directory: string },
): PartitionState | undefined {
  const stream = streamName(record);
  const { seq } = record;
  if ((state?.applied[stream] ?? 0) >= seq) return undefined;
  const base = state ?? emptyState(group);
  return {
    ...base,
    dropped: undefined,
    revision: base.complete ? base.revision + 1 : base.revision,
    rows: group.files.reduce((total, file) => total + file.rows, base.rows),
    files: base.files + group.files.length,
    bytes: group.files.reduce((total, file) => total + file.bytes, base.bytes),
    applied: { ...base.applied, [stream]: seq },
    minEventMs: extreme(Math.min, [base.minEventMs, ...group.files.map((file) => file.minEventMs)]),
    maxEventMs: extreme(Math.max, [base.maxEventMs, ...group.files.map((file) => file.maxEventMs)]),
    ...offsetsWith(base, record),
  };
}

/** A partition with rows whose offsets are not known goes on without: a part of them would look like all. */
function offsetsWith(base: PartitionState, record: CommitRecord): Pick<PartitionState, 'offsets'> {
  const read = offsetsOf(record);
  if (read === undefined || (base.offsets === undefined && base.rows > 0)) return { offsets: undefined };
  return { offsets: unionByTopic([base.offsets ?? {}, read], MAX_INTERVALS) };
}

/** Undefined if the record does not tell: it moves no positions. */
function offsetsOf({ offsets, topicId, fromPositions, positions }: CommitRecord): PartitionState['offsets'] {
  if (offsets !== undefined) return offsets;
  const read = between(fromPositions, positions);
  return sizeOf(read) === 0 ? undefined : { [topicId ?? '']: read };
}

/** The state of a partition without rows. */
export function emptyState(at: Pick<PartitionState, 'table' | 'partition' | 'directory'>): PartitionState {
  return {
    version: 1,
    table: at.table,
    partition: at.partition,
    directory: at.directory,
    revision: 0,
    complete: false,
    rows: 0,
    files: 0,
    bytes: 0,
    applied: {},
    minEventMs: null,
    maxEventMs: null,
  };
}

function extreme(pick: (...values: number[]) => number, values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : pick(...known);
}
