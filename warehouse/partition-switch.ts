import { TributaryError } from '../common/errors.js';
import type { PartitionValues } from './catalog.js';
import { pendingCommit } from './commit-pending.js';
import { fenced, type FenceOptions, type Warehouse } from './fence.js';
import { recordGarbage } from './garbage.js';
import { baseName, partitionPath, streamName, versionDirectory, versionOf, type Stream } from './layout.js';
import type { PartitionState } from './manifest.js';
import { ManifestStore } from './manifest-store.js';
import { mapParallel } from './parallel.js';
import { publishMarks, writeSuccess } from './partition-marks.js';
import { emptyState } from './partition-state.js';
import type { Storage, StoredFile } from './storage.js';

const COPIES = 4;

export interface SwitchRequest {
  table: string;
  partition: PartitionValues;
  /** Directory of the content that the new one was made of; undefined for a partition that is not there yet. */
  expectedDirectory: string | undefined;
  newDirectory: string;
  /** Names of the files that make up the new content. Whatever else lies in the new directory is removed. */
  newFiles: string[];
  /**
   * `compact`: same rows in other files; what came into the old directory beside `inputs` is taken along.
   * `rebuild` (backfill): other rows in the place of `inputs`; what came in beside them is taken along too.
   * `replace`: the new files are the whole content (snapshot).
   */
  mode: 'compact' | 'rebuild' | 'replace';
  /** compact, rebuild: paths of the files that went into the new ones. */
  inputs?: string[];
  /** compact: rows of the inputs that are not in the new files, because this commit of a stream takes them away. */
  removed?: { rows: number; stream: string; seq: number };
  /** rebuild, replace: rows of the whole new content, and the bounds of their event times. */
  rows?: number;
  minEventMs?: number | null;
  maxEventMs?: number | null;
  /** Streams that write into the partition: none may have a commit half done. */
  streams: Stream[];
  /** How long queries may go on reading the old directory. */
  graceMs: number;
}

export interface SwitchResult {
  outcome: 'switched' | 'already';
  directory: string;
  revision: number;
  rows: number;
  files: number;
  bytes: number;
}

/**
 * A directory for the next version of a partition's content, this attempt's own. It is noted as garbage until a switch makes it
 * content, so that an attempt that dies leaves nothing for ever.
 */
export async function claimDirectory(
  { storage }: Warehouse,
  claim: { table: string; partition: PartitionValues; attempt: string; graceMs: number },
  signal?: AbortSignal,
): Promise<string> {
  const { table, partition, attempt, graceMs } = claim;
  const state = await new ManifestStore(storage).readPartition(table, partition, signal);
  const version = state === undefined ? 0 : versionOf(state.directory) + 1;
  const directory = versionDirectory(table, partition, version, attempt);
  const about = { table, partition, reason: 'unfinished', dueMs: Date.now() + graceMs } as const;
  await recordGarbage(storage, directory, about, signal);
  return directory;
}

/**
 * Makes another directory the content of a partition: one pointer move, so that readers see the old files or the new. To be called between two
 * commits of the streams that write into it. May be repeated.
 *
 * @throws TributaryError SwitchConflict (permanent: plan anew from the partition's present directory), CommitPending (retryable)
 */
export async function switchPartition(
  warehouse: Warehouse,
  request: SwitchRequest,
  options: FenceOptions = {},
): Promise<SwitchResult> {
  return fenced(warehouse, options, (stores, signal) => new Switch(stores, request, signal).run());
}

class Switch {
  private readonly manifests: ManifestStore;

  constructor(
    private readonly stores: Warehouse,
    private readonly request: SwitchRequest,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.manifests = new ManifestStore(stores.storage);
  }

  async run(): Promise<SwitchResult> {
    const { table, partition, expectedDirectory, newDirectory } = this.request;
    const { storage, catalog } = this.stores;
    const before = await this.manifests.readPartition(table, partition, this.signal);
    if (before?.directory === newDirectory) {
      await publishMarks(this.stores, table, partition, this.signal);
      return result('already', before);
    }
    if (before?.directory !== expectedDirectory) throw this.conflict(before);
    await this.checkNothingPending();
    const files = await this.fillDirectory(before);
    const next = this.nextState(before, files);
    if (next.complete) await writeSuccess(storage, next, this.signal);
    if (before !== undefined && before.dropped !== true) {
      const dueMs = Date.now() + this.request.graceMs;
      const about = { table, partition, reason: 'replaced', dueMs } as const;
      await recordGarbage(storage, before.directory, about, this.signal);
    }
    await catalog.movePartition(
      table,
      { values: partition, location: storage.uri(newDirectory) },
      this.signal,
    );
    const after = await this.manifests.updatePartition(
      table,
      partition,
      (state) => (state?.directory === expectedDirectory ? this.nextState(state, files) : undefined),
      this.signal,
    );
    if (after?.directory !== newDirectory) {
      // Another switch won while this one (a zombie) slept: the pointer goes back to what the state says.
      await this.pointBack(after);
      throw this.conflict(after);
    }
    await publishMarks(this.stores, table, partition, this.signal);
    return result('switched', after);
  }

  /** Brings the new directory to exactly the files it should have; answers them. */
  private async fillDirectory(before: PartitionState | undefined): Promise<StoredFile[]> {
    const { newDirectory, newFiles, mode, inputs = [] } = this.request;
    const { storage } = this.stores;
    const wanted = new Set(newFiles.map((name) => `${newDirectory}/${name}`));
    const extras = mode !== 'replace' ? await this.extras(before, new Set(inputs)) : [];
    for (const { path } of extras) {
      const copy = `${newDirectory}/${baseName(path)}`;
      if (wanted.has(copy)) throw this.conflict(before, `two files claim the name ${baseName(path)}`);
      wanted.add(copy);
    }
    if (wanted.size === 0) await storage.makeDirectory(newDirectory, this.signal);
    const present = await dataFiles(storage, newDirectory, this.signal);
    const sizes = new Map(present.map((file) => [file.path, file.size]));
    for (const name of newFiles) {
      if (!sizes.has(`${newDirectory}/${name}`))
        throw this.conflict(before, `${newDirectory}/${name} is not there`);
    }
    await mapParallel(extras, COPIES, async ({ path, size }) => {
      const copy = `${newDirectory}/${baseName(path)}`;
      if (sizes.get(copy) !== size) await storage.copy(path, copy, this.signal);
    });
    const strangers = present.filter((file) => !wanted.has(file.path));
    await mapParallel(strangers, COPIES, (file) => storage.remove(file.path, this.signal));
    return dataFiles(storage, newDirectory, this.signal);
  }

  /** Files that came into the old directory beside the rewritten ones. */
  private async extras(before: PartitionState | undefined, inputs: Set<string>): Promise<StoredFile[]> {
    if (before === undefined) throw this.conflict(before, 'there is nothing to rewrite');
    const present = await dataFiles(this.stores.storage, before.directory, this.signal);
    const paths = new Set(present.map((file) => file.path));
    const lost = [...inputs].find((path) => !paths.has(path));
    if (lost !== undefined) throw this.conflict(before, `its input ${lost} is not there`);
    return present.filter((file) => !inputs.has(file.path));
  }

  private nextState(before: PartitionState | undefined, files: StoredFile[]): PartitionState {
    const {
      table,
      partition,
      newDirectory,
      mode,
      rows = 0,
      minEventMs = null,
      maxEventMs = null,
    } = this.request;
    const base = before ?? emptyState({ table, partition, directory: newDirectory });
    const content = {
      directory: newDirectory,
      dropped: undefined,
      files: files.length,
      bytes: files.reduce((total, file) => total + file.size, 0),
    };
    if (mode === 'compact') return { ...base, ...content, ...this.withoutRemoved(base) };
    const revision = base.complete ? base.revision + 1 : base.revision;
    return { ...base, ...content, revision, rows, minEventMs, maxEventMs };
  }

  private withoutRemoved({ rows, applied }: PartitionState): Partial<PartitionState> {
    const { removed } = this.request;
    if (removed === undefined) return {};
    return { rows: rows - removed.rows, applied: { ...applied, [removed.stream]: removed.seq } };
  }

  private async checkNothingPending(): Promise<void> {
    for (const stream of this.request.streams) {
      const seq = await pendingCommit(this.stores, stream, this.signal);
      if (seq === undefined) continue;
      throw new TributaryError({
        code: 'CommitPending',
        message: `Commit ${seq} of ${streamName(stream)} is half done; ${this.name()} is switched when it is finished.`,
        retryable: true,
        attributes: { stream: streamName(stream), seq },
      });
    }
  }

  private async pointBack(state: PartitionState | undefined): Promise<void> {
    if (state === undefined || state.dropped === true) return;
    const { table, partition } = this.request;
    const location = this.stores.storage.uri(state.directory);
    await this.stores.catalog.movePartition(table, { values: partition, location }, this.signal);
  }

  private conflict(state: PartitionState | undefined, detail?: string): TributaryError {
    const { expectedDirectory, newDirectory } = this.request;
    const found = `it is at ${state?.directory ?? 'no directory'}, expected was ${expectedDirectory ?? 'none'}`;
    return new TributaryError({
      code: 'SwitchConflict',
      message: `${this.name()} was not switched to ${newDirectory}: ${detail ?? found}. Plan it anew.`,
      attributes: { table: this.request.table, newDirectory },
    });
  }

  private name(): string {
    return `Partition ${partitionPath(this.request.partition)} of ${this.request.table}`;
  }
}

/** The files of a directory that Hive reads. */
export async function dataFiles(
  storage: Storage,
  directory: string,
  signal?: AbortSignal,
): Promise<StoredFile[]> {
  const files = await storage.list(directory, signal);
  return files.filter((file) => !file.directory && !/^[._]/.test(baseName(file.path)));
}

function result(outcome: SwitchResult['outcome'], state: PartitionState): SwitchResult {
  const { directory, revision, rows, files, bytes } = state;
  return { outcome, directory, revision, rows, files, bytes };
}
