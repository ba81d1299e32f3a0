import { unionByTopic } from '../common/offset-ranges.js';
import { canonicalJson } from '../common/hash.js';
import { TributaryError, type ErrorAttributes } from '../common/errors.js';
import type { PartitionValues } from './catalog.js';
import { partitionPath, streamName, versionDirectory, type Stream } from './layout.js';
import type {
  CommitCounts,
  CommitFile,
  CommitRecord,
  CommitRemoval,
  PartitionState,
  SplitManifest,
  StoredMembers,
} from './manifest.js';

export interface CommitRequest extends Stream {
  /** One more than the sequence of the commit before; 1 for the first. */
  seq: number;
  batch: string;
  /** Manifests of the winning attempt of every split. Their ranges tile [fromPositions, positions) exactly. */
  manifests: SplitManifest[];
  /** Positions before the batch. Kafka partitions that the batch does not read may be left out. */
  fromPositions: Record<number, number>;
  /** Positions after the batch. */
  positions: Record<number, number>;
  topicId?: string;
  members?: StoredMembers;
  /**
   * A person has given up what Kafka lost: the batch may begin beyond the stored positions, or in a topic that was made anew.
   */
  rebase?: boolean;
  /** Rows that leave other partitions by this commit. */
  removals?: CommitRemoval[];
  /** How long queries may go on reading a directory that a removal has replaced; a day by default. */
  graceMs?: number;
}

export interface CommittedPartition {
  table: string;
  partition: PartitionValues;
  rows: number;
  files: number;
  bytes: number;
  /** 0 while the partition is not complete. */
  revision: number;
}

export interface CommitSummary {
  /**
   * `superseded`: history was lost and storage held a commit of this sequence over other ranges from the same start. That one
   * was brought to its end, nothing of the request was committed: go on from `positions`.
   */
  outcome: 'committed' | 'already' | 'superseded';
  seq: number;
  batch: string;
  positions: Record<number, number>;
  counts: CommitCounts;
  /** Rows added by table. */
  rows: Record<string, number>;
  /** The earliest event of each table's rows, ms since the epoch, where it is known. */
  minEventMs: Record<string, number>;
  files: number;
  bytes: number;
  partitions: CommittedPartition[];
}

/** Files of one partition of one table. */
export interface PartitionFiles<F> {
  table: string;
  partition: PartitionValues;
  files: F[];
}

export function groupByPartition<F extends { table: string; partition: PartitionValues }>(
  files: F[],
): PartitionFiles<F>[] {
  const groups = new Map<string, PartitionFiles<F>>();
  for (const file of files) {
    const key = `${file.table}\0${partitionPath(file.partition)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { table: file.table, partition: file.partition, files: [file] });
    else group.files.push(file);
  }
  return [...groups.values()];
}

/**
 * The record of a commit.
 * @param before positions of the stream now
 * @param stateOf states of the partitions that the manifests touch
 */
export function planCommit(
  request: CommitRequest,
  before: Record<number, number>,
  stateOf: (table: string, partition: PartitionValues) => PartitionState | undefined,
): CommitRecord {
  if (request.rebase !== true) checkStart(request, before);
  checkRanges(request);
  const files: CommitFile[] = request.manifests
    .flatMap((manifest) => manifest.files)
    .map((file) => {
      const state = stateOf(file.table, file.partition);
      return {
        ...file,
        finalPath: `${targetDirectory(file.table, file.partition, state)}/${file.finalName}`,
        revision: state?.complete === true ? state.revision + 1 : 0,
      };
    });
  checkNames(request, files);
  const { kafka, topic, member, topicId, seq, batch, members } = request;
  const base = request.rebase === true ? {} : before;
  return {
    version: 1,
    ...{ kafka, topic },
    ...(member === undefined ? {} : { member }),
    ...(topicId === undefined ? {} : { topicId }),
    ...{ seq, batch },
    fromPositions: { ...base, ...request.fromPositions },
    positions: { ...base, ...request.positions },
    ...(members === undefined ? {} : { members }),
    counts: sumCounts(request.manifests),
    files,
    ...offsetsOf(request.manifests),
    ...(request.removals === undefined ? {} : { removals: request.removals, graceMs: request.graceMs }),
  };
}

/** Offsets that the manifests tell beside their ranges. */
function offsetsOf(manifests: readonly SplitManifest[]): Pick<CommitRecord, 'offsets'> {
  const told = manifests.map(({ offsets }) => offsets).filter((offsets) => offsets !== undefined);
  return told.length === 0 ? {} : { offsets: unionByTopic(told) };
}

/** Where the files of a partition go now. */
export function targetDirectory(
  table: string,
  partition: PartitionValues,
  state: PartitionState | undefined,
): string {
  return state?.directory ?? versionDirectory(table, partition, 0);
}

/** What the caller learns of a commit; follows from its record alone. */
export function summaryOf(record: CommitRecord, outcome: CommitSummary['outcome']): CommitSummary {
  const rows: Record<string, number> = {};
  const minEventMs: Record<string, number> = {};
  for (const { table, rows: added, minEventMs: earliest } of record.files) {
    rows[table] = (rows[table] ?? 0) + added;
    if (earliest !== null) minEventMs[table] = Math.min(minEventMs[table] ?? Infinity, earliest);
  }
  const partitions = groupByPartition(record.files).map(({ table, partition, files }) => ({
    table,
    partition,
    rows: sum(files, (file) => file.rows),
    files: files.length,
    bytes: sum(files, (file) => file.bytes),
    revision: Math.max(...files.map((file) => file.revision)),
  }));
  return {
    outcome,
    seq: record.seq,
    batch: record.batch,
    positions: record.positions,
    counts: record.counts,
    rows,
    minEventMs,
    files: record.files.length,
    bytes: sum(record.files, (file) => file.bytes),
    partitions,
  };
}

/**
 * Whether a stored record is what the request asked for (`same`), another batch from the same start (`superseded`), or something
 * that does not fit.
 */
export function compareWithStored(request: CommitRequest, stored: CommitRecord): 'same' | 'superseded' {
  if (stored.batch === request.batch && sameContent(request, stored)) return 'same';
  if (request.rebase !== true) checkTopicId(request, stored.topicId);
  if (includes(stored.fromPositions, request.fromPositions)) return 'superseded';
  throw conflict(
    request,
    `commit ${stored.seq} in storage is batch ${stored.batch} from ${canonicalJson(stored.fromPositions)}, ` +
      `this one is batch ${request.batch} from ${canonicalJson(request.fromPositions)}`,
  );
}

export function checkTopicId(request: CommitRequest, stored: string | undefined): void {
  if (stored === undefined || request.topicId === undefined || stored === request.topicId) return;
  throw conflict(
    request,
    `the topic was deleted and made anew: its id was ${stored}, now it is ${request.topicId}`,
  );
}

/** A commit that storage contradicts. Permanent: a person must look. */
export function conflict(stream: Stream, detail: string, attributes: ErrorAttributes = {}): TributaryError {
  return new TributaryError({
    code: 'CommitConflict',
    message:
      `Commit to ${streamName(stream)} refused: ${detail}. ` +
      'Nothing was committed. Compare positions.json with the workflow; recover takes up what storage holds.',
    attributes: { stream: streamName(stream), ...attributes },
  });
}

function sameContent(request: CommitRequest, stored: CommitRecord): boolean {
  const mine = request.manifests.flatMap((manifest) => manifest.files.map((file) => file.stagedPath)).sort();
  return (
    includes(stored.fromPositions, request.fromPositions) &&
    includes(stored.positions, request.positions) &&
    canonicalJson(mine) === canonicalJson(stored.files.map((file) => file.stagedPath).sort()) &&
    canonicalJson(request.removals ?? []) === canonicalJson(stored.removals ?? [])
  );
}

function includes(all: Record<number, number>, some: Record<number, number>): boolean {
  return Object.entries(some).every(([partition, position]) => all[Number(partition)] === position);
}

function checkStart(request: CommitRequest, before: Record<number, number>): void {
  for (const [partition, from] of Object.entries(request.fromPositions)) {
    const stored = before[Number(partition)];
    if (stored !== undefined && stored !== from) {
      throw conflict(
        request,
        `partition ${partition} of the topic stands at ${stored} in storage, the batch begins at ${from}`,
        { partition: Number(partition), stored, from },
      );
    }
  }
}

/** Invariant 1 rests on this: every offset between the positions was read by exactly one split. */
function checkRanges(request: CommitRequest): void {
  const reached: Record<number, number> = { ...request.fromPositions };
  const ranges = request.manifests.flatMap((manifest) => manifest.ranges);
  ranges.sort((a, b) => a.partition - b.partition || a.from - b.from || a.to - b.to);
  for (const range of ranges) {
    const at = reached[range.partition];
    if (at !== range.from || range.to < range.from) {
      throw conflict(
        request,
        `the splits read [${range.from}, ${range.to}) of partition ${range.partition}, where ${at ?? 'no position'} was next`,
        { partition: range.partition },
      );
    }
    reached[range.partition] = range.to;
  }
  if (canonicalJson(reached) !== canonicalJson({ ...request.fromPositions, ...request.positions })) {
    throw conflict(
      request,
      `the splits end at ${canonicalJson(reached)}, the batch at ${canonicalJson(request.positions)}`,
    );
  }
}

function checkNames(request: CommitRequest, files: CommitFile[]): void {
  const seen = new Set<string>();
  for (const { finalPath } of files) {
    if (seen.has(finalPath)) throw conflict(request, `two files claim the name ${finalPath}`);
    seen.add(finalPath);
  }
}

function sumCounts(manifests: SplitManifest[]): CommitCounts {
  return {
    records: sum(manifests, (manifest) => manifest.records),
    quarantined: sum(manifests, (manifest) => manifest.quarantined),
    unmatched: sum(manifests, (manifest) => manifest.unmatched),
    withoutRows: sum(manifests, (manifest) => manifest.withoutRows),
    bytesRead: sum(manifests, (manifest) => manifest.bytesRead),
  };
}

function sum<T>(items: T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
