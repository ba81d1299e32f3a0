import type { CatalogPartition, CatalogTable, PartitionValues } from './catalog.js';
import { isTributaryError, TributaryError } from '../common/errors.js';
import { placeFile } from './commit-files.js';
import {
  checkTopicId,
  compareWithStored,
  conflict,
  groupByPartition,
  planCommit,
  summaryOf,
  targetDirectory,
  type CommitRequest,
  type CommitSummary,
  type PartitionFiles,
} from './commit-plan.js';
import { fenced, type FenceOptions, type Warehouse } from './fence.js';
import { partitionPath, streamName, type Stream } from './layout.js';
import type { CommitFile, CommitRecord, PartitionState, StoredMembers, StoredPositions } from './manifest.js';
import { ManifestStore } from './manifest-store.js';
import { applyRemoval, checkRemovals } from './commit-removal.js';
import { mapParallel } from './parallel.js';
import { publishMarks } from './partition-marks.js';
import { addFiles } from './partition-state.js';

const PARALLEL = 8;

export interface CommitOptions extends FenceOptions {
  /** Tables by name, so that one which someone dropped from the catalog is made again. */
  tables?: Record<string, CatalogTable>;
}

/** What storage knows of a stream. */
export interface Recovered {
  seq: number;
  positions: Record<number, number>;
  topicId?: string;
  members?: StoredMembers;
  /** The commit that was found half done and brought to its end. */
  rolledForward?: CommitSummary;
}

/**
 * Commits a batch exactly once, however often and by however many attempts it is called: write-ahead record, renames, catalog
 * partitions, partition states, then `positions.json`. The same call after success answers the same summary.
 *
 * @throws TributaryError CommitConflict, CommitIncomplete, ManifestCorrupt (permanent); ActivityDeadlinePassed and the
 *   storage's and catalog's own (retryable where they say so)
 */
export async function commitBatch(
  warehouse: Warehouse,
  request: CommitRequest,
  options: CommitOptions = {},
): Promise<CommitSummary> {
  return fenced(warehouse, options, async (stores, signal) => {
    const commit = new Commit(stores, request, options.tables ?? {}, signal);
    return commit.run(request);
  });
}

/**
 * Where a stream stands by storage alone; a commit that died half way is brought to its end first. Undefined if nothing
 * was ever committed. Call it before the first plan of a workflow that does not come from continue-as-new.
 */
export async function recover(
  warehouse: Warehouse,
  stream: Stream,
  options: CommitOptions = {},
): Promise<Recovered | undefined> {
  return fenced(warehouse, options, async (stores, signal) =>
    new Commit(stores, stream, options.tables ?? {}, signal).recover(),
  );
}

/** Removes commit records but for the newest `keep`; answers how many. */
export async function pruneCommits(
  warehouse: Warehouse,
  stream: Stream,
  keep = 1000,
  signal?: AbortSignal,
): Promise<number> {
  const manifests = new ManifestStore(warehouse.storage);
  const seq = (await manifests.readPositions(stream, signal))?.seq ?? 0;
  const old = (await manifests.commitNumbers(stream, signal)).filter((n) => n <= seq - keep);
  await mapParallel(old, PARALLEL, (n) => manifests.removeCommit(stream, n, signal));
  return old.length;
}

type Head = Pick<StoredPositions, 'seq' | 'positions' | 'topicId' | 'members'>;

class Commit {
  private readonly manifests: ManifestStore;
  /** Partitions that this call has added to the catalog already. */
  private readonly opened = new Set<string>();

  constructor(
    private readonly stores: Warehouse,
    private readonly stream: Stream,
    private readonly tables: Record<string, CatalogTable>,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.manifests = new ManifestStore(stores.storage);
  }

  async run(request: CommitRequest): Promise<CommitSummary> {
    const head = await this.rollTo(request.seq - 1);
    if (head.seq >= request.seq) {
      const stored = await this.manifests.readCommit(request, request.seq, this.signal);
      if (stored === undefined) {
        throw conflict(
          request,
          `storage is at commit ${head.seq}, and the record of ${request.seq} is no longer kept`,
        );
      }
      const same = compareWithStored(request, stored) === 'same';
      return summaryOf(stored, same ? 'already' : 'superseded');
    }
    if (head.seq !== request.seq - 1) {
      throw conflict(request, `storage is at commit ${head.seq}, this one is ${request.seq}`);
    }
    if (request.rebase !== true) checkTopicId(request, head.topicId);
    const stored =
      (await this.manifests.readCommit(request, request.seq, this.signal)) ??
      (await this.begin(request, head));
    const same = compareWithStored(request, stored) === 'same';
    await this.rollForward(stored);
    return summaryOf(stored, same ? 'committed' : 'superseded');
  }

  async recover(): Promise<Recovered | undefined> {
    const before = await this.head();
    const pending = await this.manifests.readCommit(this.stream, (before?.seq ?? 0) + 1, this.signal);
    if (pending === undefined) return before;
    const { seq, positions, topicId, members } = await this.rollTo(Infinity);
    const last = (await this.manifests.readCommit(this.stream, seq, this.signal)) ?? pending;
    return {
      seq,
      positions,
      ...(topicId === undefined ? {} : { topicId }),
      ...(members === undefined ? {} : { members }),
      rolledForward: summaryOf(last, 'committed'),
    };
  }

  /**
   * Positions by storage. Where `positions.json` is lost, the newest record tells: it was written after the one before it was
   * finished, and may itself be unfinished.
   */
  private async head(): Promise<Head | undefined> {
    const stored = await this.manifests.readPositions(this.stream, this.signal);
    if (stored !== undefined) return stored;
    const newest = (await this.manifests.commitNumbers(this.stream, this.signal)).at(-1);
    if (newest === undefined) return undefined;
    const record = await this.manifests.readCommit(this.stream, newest, this.signal);
    return record === undefined
      ? undefined
      : { seq: newest - 1, positions: record.fromPositions, topicId: record.topicId };
  }

  /**
   * Finishes what was begun, up to `seq`. Also heals a `positions.json` that a zombie wrote late: the records after it are rolled
   * forward again, which changes nothing but the positions.
   */
  private async rollTo(seq: number): Promise<Head> {
    let head = (await this.head()) ?? { seq: 0, positions: {} };
    while (head.seq < seq) {
      const record = await this.manifests.readCommit(this.stream, head.seq + 1, this.signal);
      if (record === undefined) break;
      await this.rollForward(record);
      head = record;
    }
    return head;
  }

  /**
   * Writes the record. New partitions enter the catalog before it, while the batch can still be given up: a table whose Hive table
   * refuses must not hold up a commit that others share. An empty partition harms no reader.
   */
  private async begin(request: CommitRequest, head: Head): Promise<CommitRecord> {
    const { record, fresh } = await this.plan(request, head);
    await this.addPartitions(fresh, true);
    for (const { table, partition } of fresh) this.opened.add(`${table}\0${partitionPath(partition)}`);
    return this.manifests.createCommit(record, this.signal);
  }

  private async plan(
    request: CommitRequest,
    head: Head,
  ): Promise<{ record: CommitRecord; fresh: (PartitionFiles<unknown> & { directory: string })[] }> {
    await checkRemovals(this.stores.storage, request.removals ?? [], this.signal);
    const groups = groupByPartition(request.manifests.flatMap((manifest) => manifest.files));
    const states = new Map<string, PartitionState | undefined>();
    await mapParallel(groups, PARALLEL, async ({ table, partition }) => {
      const state = await this.manifests.readPartition(table, partition, this.signal);
      states.set(`${table}\0${partitionPath(partition)}`, state);
    });
    const stateOf = (table: string, partition: PartitionValues) =>
      states.get(`${table}\0${partitionPath(partition)}`);
    const record = planCommit(request, head.positions, stateOf);
    const fresh = groups.flatMap((group) => {
      const state = stateOf(group.table, group.partition);
      const isNew = state === undefined || state.dropped === true;
      return isNew ? [{ ...group, directory: targetDirectory(group.table, group.partition, state) }] : [];
    });
    return { record, fresh };
  }

  private async rollForward(record: CommitRecord): Promise<void> {
    const groups = await mapParallel(groupByPartition(record.files), PARALLEL, async (group) => {
      const state = await this.manifests.readPartition(group.table, group.partition, this.signal);
      const applied = (state?.applied[streamName(record)] ?? 0) >= record.seq;
      return { ...group, state, applied, directory: targetDirectory(group.table, group.partition, state) };
    });
    const open = groups.filter((group) => !group.applied);
    const moves = open.flatMap(({ files, directory }) => files.map((file) => ({ file, directory })));
    await mapParallel(moves, PARALLEL, ({ file, directory }) =>
      placeFile(this.stores.storage, record, file, directory, this.signal),
    );
    await this.addPartitions(
      open.filter(
        ({ table, partition, state }) =>
          (state === undefined || state.dropped === true) &&
          !this.opened.has(`${table}\0${partitionPath(partition)}`),
      ),
    );
    await mapParallel(open, PARALLEL, (group) => this.count(record, group));
    // Rows are added before they are removed: a reader between the two sees them twice for a moment, never not at all.
    for (const removal of record.removals ?? []) {
      await applyRemoval(this.stores, record, removal, this.signal);
    }
    await mapParallel(
      groups.filter(({ state }) => state?.complete === true),
      PARALLEL,
      ({ table, partition }) => publishMarks(this.stores, table, partition, this.signal),
    );
    await this.advance(record);
  }

  /**
   * @param naming while nothing is committed, an error that stands for good names its table in the attribute `refusedBy`
   * @throws TributaryError of the catalog
   */
  private async addPartitions(
    groups: (PartitionFiles<unknown> & { directory: string })[],
    naming = false,
  ): Promise<void> {
    const byTable = new Map<string, CatalogPartition[]>();
    for (const { table, partition, directory } of groups) {
      const partitions = byTable.get(table) ?? [];
      partitions.push({ values: partition, location: this.stores.storage.uri(directory) });
      byTable.set(table, partitions);
    }
    for (const [table, partitions] of byTable) {
      try {
        await this.addPartitionsOf(table, partitions);
      } catch (error) {
        if (!naming || !isTributaryError(error) || error.retryable) throw error;
        const { code, message, attributes, cause } = error;
        throw new TributaryError({ code, message, attributes: { ...attributes, refusedBy: table }, cause });
      }
    }
  }

  private async addPartitionsOf(table: string, partitions: CatalogPartition[]): Promise<void> {
    try {
      await this.stores.catalog.addPartitions(table, partitions, this.signal);
    } catch (error) {
      const known = this.tables[table];
      if (known === undefined || !isTributaryError(error, 'CatalogTableMissing')) throw error;
      await this.stores.catalog.ensureTable(known, this.signal);
      await this.stores.catalog.addPartitions(table, partitions, this.signal);
    }
  }

  private async count(
    record: CommitRecord,
    group: PartitionFiles<CommitFile> & { directory: string },
  ): Promise<void> {
    await this.manifests.updatePartition(
      group.table,
      group.partition,
      (state) => addFiles(state, record, group),
      this.signal,
    );
  }

  private async advance(record: CommitRecord): Promise<void> {
    const stored = await this.manifests.readPositions(record, this.signal);
    if (stored !== undefined && stored.seq >= record.seq) return;
    const { kafka, topic, member, topicId, seq, positions, members } = record;
    await this.manifests.writePositions(
      {
        version: 1,
        ...{ kafka, topic },
        ...(member === undefined ? {} : { member }),
        ...(topicId === undefined ? {} : { topicId }),
        ...{ seq, positions },
        ...(members === undefined ? {} : { members }),
        updatedAt: new Date().toISOString(),
      },
      this.signal,
    );
  }
}
