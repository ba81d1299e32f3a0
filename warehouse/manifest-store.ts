import { canonicalJson, contentHash } from '../common/hash.js';
import { TributaryError } from '../common/errors.js';
import type { PartitionValues } from './catalog.js';
import { jsonText, parseStored } from './json-file.js';
import * as layout from './layout.js';
import type { Stream } from './layout.js';
import type { CommitRecord, PartitionState, SplitManifest, StoredPositions } from './manifest.js';
import * as schemas from './manifest-schemas.js';
import { mapParallel } from './parallel.js';
import type { Storage } from './storage.js';
import { VersionedFile } from './versioned-file.js';

/** Parallel reads of control files. */
const READS = 8;

/** Reads and writes the control files. A file that is not as it was written raises ManifestCorrupt with its path. */
export class ManifestStore {
  constructor(readonly storage: Storage) {}

  async writeManifest(path: string, manifest: SplitManifest, signal?: AbortSignal): Promise<void> {
    await this.storage.write(path, jsonText(manifest), signal);
  }

  /** @throws TributaryError ManifestMissing if there is no file at `path`. */
  async readManifest(path: string, signal?: AbortSignal): Promise<SplitManifest> {
    const bytes = await this.storage.read(path, signal);
    if (bytes !== undefined) return parseStored(schemas.splitManifestSchema, path, bytes);
    throw new TributaryError({
      code: 'ManifestMissing',
      message: `The manifest ${path} is not there: the staging area was cleaned while its batch was under way.`,
      attributes: { path },
    });
  }

  /** Stores a record unless its sequence number has one already; answers the one that is stored. */
  async createCommit(record: CommitRecord, signal?: AbortSignal): Promise<CommitRecord> {
    const path = layout.commitPath(record, record.seq);
    if (await this.storage.create(path, jsonText(record), signal)) return record;
    const stored = await this.readCommit(record, record.seq, signal);
    if (stored !== undefined) return stored;
    throw new TributaryError({
      code: 'StorageUnavailable',
      message: `The commit record ${path} cannot be read back. It is tried again by itself.`,
      retryable: true,
      attributes: { path },
    });
  }

  async readCommit(stream: Stream, seq: number, signal?: AbortSignal): Promise<CommitRecord | undefined> {
    const path = layout.commitPath(stream, seq);
    const bytes = await this.storage.read(path, signal);
    return bytes === undefined ? undefined : parseStored(schemas.commitRecordSchema, path, bytes);
  }

  /** Sequence numbers of all stored records, ascending. */
  async commitNumbers(stream: Stream, signal?: AbortSignal): Promise<number[]> {
    const files = await this.storage.list(layout.commitsDirectory(stream), signal);
    const numbers = files.map((file) => layout.parseNumberedName(layout.baseName(file.path)));
    return numbers.filter((n) => n !== undefined).sort((a, b) => a - b);
  }

  async removeCommit(stream: Stream, seq: number, signal?: AbortSignal): Promise<void> {
    await this.storage.remove(layout.commitPath(stream, seq), signal);
  }

  async readPositions(stream: Stream, signal?: AbortSignal): Promise<StoredPositions | undefined> {
    const path = layout.positionsPath(stream);
    const bytes = await this.storage.read(path, signal);
    return bytes === undefined ? undefined : parseStored(schemas.storedPositionsSchema, path, bytes);
  }

  /** Sequence of the last commit of a stream that is whole: all its rows can be seen. 0 before the first. */
  async committedSeq(stream: string, signal?: AbortSignal): Promise<number> {
    const path = layout.positionsPathOf(stream);
    const bytes = await this.storage.read(path, signal);
    return bytes === undefined ? 0 : parseStored(schemas.storedPositionsSchema, path, bytes).seq;
  }

  async writePositions(positions: StoredPositions, signal?: AbortSignal): Promise<void> {
    await this.storage.write(layout.positionsPath(positions), jsonText(positions), signal);
  }

  async readPartition(
    table: string,
    values: PartitionValues,
    signal?: AbortSignal,
  ): Promise<PartitionState | undefined> {
    return this.partition(table, values).read(signal);
  }

  /** See VersionedFile.update: no writer loses another's change. */
  async updatePartition(
    table: string,
    values: PartitionValues,
    decide: (state: PartitionState | undefined) => PartitionState | undefined,
    signal?: AbortSignal,
  ): Promise<PartitionState | undefined> {
    return this.partition(table, values).update(decide, signal);
  }

  /** States of all partitions of a table, in the order of their paths. */
  async listPartitions(table: string, signal?: AbortSignal): Promise<PartitionState[]> {
    const root = layout.partitionStatesRoot(table);
    const directories = await this.leaves(root, signal);
    const states = await mapParallel(directories, READS, (directory) =>
      this.readPartition(table, layout.parsePartitionPath(directory.slice(root.length + 1)), signal),
    );
    return states.filter((state) => state !== undefined);
  }

  /** Partitions that a table has or had, without a look at their states: a listing a level of `levels` partition columns. */
  async partitionNames(table: string, levels: number, signal?: AbortSignal): Promise<PartitionValues[]> {
    const root = layout.partitionStatesRoot(table);
    let directories = [root];
    for (let level = 0; level < levels; level++) {
      const below = await mapParallel(directories, READS, (directory) =>
        this.storage.list(directory, signal),
      );
      directories = below.flat().flatMap((child) => (child.directory ? [child.path] : []));
    }
    return directories.map((directory) => layout.parsePartitionPath(directory.slice(root.length + 1)));
  }

  /** Keeps a spec under the hash of its content; answers the hash. */
  async pinSpec(spec: unknown, signal?: AbortSignal): Promise<string> {
    const hash = contentHash(spec);
    await this.storage.create(layout.specPath(hash), canonicalJson(spec) + '\n', signal);
    return hash;
  }

  /** @throws TributaryError SpecMissing, ManifestCorrupt if the content does not have that hash. */
  async readSpec<T>(hash: string, signal?: AbortSignal): Promise<T> {
    const path = layout.specPath(hash);
    const bytes = await this.storage.read(path, signal);
    if (bytes === undefined) {
      throw new TributaryError({
        code: 'SpecMissing',
        message: `The pinned table spec ${path} is not there. Restart the table; a plan pins its specs again.`,
        attributes: { path },
      });
    }
    let spec: unknown;
    try {
      spec = JSON.parse(bytes.toString('utf8'));
    } catch {
      spec = undefined;
    }
    if (spec === undefined || contentHash(spec) !== hash) {
      throw new TributaryError({
        code: 'ManifestCorrupt',
        message: `The pinned table spec ${path} does not have the content its name tells. Remove it and restart the table.`,
        attributes: { path },
      });
    }
    return spec as T;
  }

  private partition(table: string, values: PartitionValues): VersionedFile<PartitionState> {
    const directory = layout.partitionStateDirectory(table, values);
    return new VersionedFile(this.storage, directory, schemas.partitionStateSchema);
  }

  /** Directories below `path` that hold files. */
  private async leaves(path: string, signal?: AbortSignal): Promise<string[]> {
    const children = await this.storage.list(path, signal);
    const directories = children.filter((child) => child.directory).map((child) => child.path);
    const below = await mapParallel(directories, READS, (directory) => this.leaves(directory, signal));
    return [...(children.length > directories.length ? [path] : []), ...below.flat()];
  }
}
