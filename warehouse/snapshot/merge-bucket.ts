import { join } from 'node:path';
import { TributaryError } from '../../common/errors.js';
import type { Duck } from '../duckdb.js';
import { tombstoneFloor } from './boundary.js';
import { snapshotCheckFailed } from './errors.js';
import { checkTable } from './event-sql.js';
import { foldPatches, pendingRows, type FoldCounts } from './fold.js';
import { NOTHING, openInputs } from './merge-inputs.js';
import * as sql from './merge-sql.js';
import {
  copyToParquet,
  copyStaged,
  parquetRows,
  parquetScan,
  stageFile,
  type UntouchedFile,
} from './parquet.js';
import { reconcileBucket } from './reconcile.js';
import { withDuck } from './split.js';
import type {
  Boundary,
  BucketCounts,
  BucketResult,
  FileKind,
  FoldPatches,
  MergeContext,
  PreviousBucket,
  SnapshotTable,
  SourceFile,
} from './types.js';

export interface MergeBucketRequest {
  table: SnapshotTable;
  boundary: Boundary;
  /** How long a change may be late; tombstones stay as long. */
  latenessMs: number;
  bucket: number;
  buckets: number;
  /** Files of the bucket in the previous snapshot, or after `bucketRows`; absent: the table begins empty. */
  previous?: PreviousBucket;
  /** Files of the bucket that `bucketChanges` wrote. */
  changes: SourceFile[];
  /** Document tables: how a partial update changes a document. */
  foldPatches?: FoldPatches;
  /** Look for double keys in the whole new file, not only among the keys that changed. Default: only if nothing is known of the previous rows' keys. */
  checkAllKeys?: boolean;
}

/**
 * Merges one bucket: previous rows + events -> one Parquet file, its tombstones and waiting patches, staged for `publish`.
 * The same request gives the same rows in the same order, whoever runs it and how often.
 * @throws TributaryError SnapshotCheckFailed, PatchFailed
 */
export async function mergeBucket(ctx: MergeContext, request: MergeBucketRequest): Promise<BucketResult> {
  checkTable(request.table);
  return withDuck(ctx, (duck) => new BucketMerge(ctx, duck, request).run());
}

class BucketMerge {
  private readonly table: SnapshotTable;

  constructor(
    private readonly ctx: MergeContext,
    private readonly duck: Duck,
    private readonly request: MergeBucketRequest,
  ) {
    this.table = request.table;
  }

  async run(): Promise<BucketResult> {
    const { table, duck, request } = this;
    const untouched = untouchedFile(request);
    const previous = request.previous ?? NOTHING;
    await openInputs(this.ctx, duck, {
      ...request,
      previous: untouched ? { ...previous, rows: [] } : previous,
    });
    await duck.run(sql.newestEvents(table));
    await duck.run(sql.storedOrders(table));
    await duck.run(sql.states(table));
    const folds = await this.fold();
    await duck.run(sql.replacedKeys(table, folds !== undefined));
    this.ctx.onProgress?.();
    const counts = await this.counts(folds);
    const rows = untouched ? undefined : await this.write('rows', sql.mergedRows(table, folds !== undefined));
    if (rows) await this.checkKeys(rows.local);
    const floor = tombstoneFloor(request.boundary, request.latenessMs);
    const tombstones = await this.write('tombstones', sql.tombstoneRows(table, floor));
    const pending = folds && (await this.write('pending', pendingRows()));
    if (untouched) counts.previous = untouched.rows;
    counts.rows = (untouched ?? rows)?.rows ?? 0;
    counts.tombstones = tombstones?.rows ?? 0;
    reconcileBucket(table.name, request.bucket, counts);
    const written = [rows, tombstones, pending].filter((file) => file !== undefined);
    const files = await Promise.all(written.map((file) => stageFile(this.ctx, file.local, file)));
    if (untouched) files.push(await copyStaged(this.ctx, untouched, this.name('rows')));
    return { bucket: request.bucket, counts, files };
  }

  private async fold(): Promise<FoldCounts | undefined> {
    if (this.table.kind === 'relational') return undefined;
    await this.duck.run(sql.patchEvents());
    const [row] = await this.duck.rows<{ patches: string }>(`SELECT count(*) AS patches FROM patches`);
    if (row!.patches === '0') return undefined;
    const { foldPatches: fold } = this.request;
    if (fold === undefined) {
      throw new TributaryError({
        code: 'SnapshotTableInvalid',
        message: `The log of ${this.table.name} has partial updates, but nothing was given to apply them with.`,
      });
    }
    return foldPatches(this.ctx, this.duck, this.table, fold);
  }

  private async counts(folds: FoldCounts | undefined): Promise<BucketCounts> {
    const [row] = await this.duck.rows<
      Record<'previous' | 'deleted' | 'updated' | 'inserted' | 'doubles', string>
    >(sql.mergeCounts(this.table));
    if (row!.doubles !== '0') {
      throw snapshotCheckFailed(
        this.table.name,
        `${row!.doubles} of the changed keys are in the previous rows more than once (bucket ${this.request.bucket}).`,
        { doubles: Number(row!.doubles), bucket: this.request.bucket },
      );
    }
    return {
      changes: this.request.changes.reduce((sum, file) => sum + file.rows, 0),
      previous: Number(row!.previous),
      inserted: Number(row!.inserted),
      updated: Number(row!.updated),
      deleted: Number(row!.deleted),
      rows: 0,
      tombstones: 0,
      pendingPatches: folds?.pending ?? 0,
      latePatches: folds?.late ?? 0,
      unknownPatches: folds?.unknown ?? 0,
    };
  }

  private name(kind: FileKind): string {
    const prefix = kind === 'rows' ? '' : `_${kind}-`;
    const digits = (n: number): string => String(n).padStart(5, '0');
    return `${prefix}bucket-${digits(this.request.bucket)}-of-${digits(this.request.buckets)}.parquet`;
  }

  /** Writes a query's rows; undefined, and no file, if there are none. */
  private async write(kind: FileKind, query: string): Promise<Written | undefined> {
    const finalName = this.name(kind);
    const local = join(this.ctx.workDir, finalName);
    await copyToParquet(this.duck, query, local);
    this.ctx.onProgress?.();
    // Counted in the file itself: what readers will find, not what the writer meant to write.
    const rows = await parquetRows(this.duck, local);
    return rows === 0 ? undefined : { kind, finalName, local, rows };
  }

  private async checkKeys(local: string): Promise<void> {
    const all = this.request.checkAllKeys ?? this.request.previous?.checked !== true;
    const relation = parquetScan([local]);
    const [row] = await this.duck.rows<{ doubles: string }>(
      sql.doubleKeys(this.table, relation, all ? undefined : 'states'),
    );
    if (row!.doubles === '0') return;
    throw snapshotCheckFailed(
      this.table.name,
      `${row!.doubles} keys are in bucket ${this.request.bucket} more than once.`,
      { doubles: Number(row!.doubles), bucket: this.request.bucket },
    );
  }
}

/** The one file of a bucket that nothing changed, if it can stay as it is. */
function untouchedFile(request: MergeBucketRequest): UntouchedFile | undefined {
  const { previous, changes } = request;
  if (previous === undefined || changes.length > 0 || previous.pending.length > 0) return undefined;
  if (previous.filterRows || !previous.checked || !previous.sameColumns) return undefined;
  const [file, ...others] = previous.rows;
  if (file?.bytes === undefined || file.checksum === undefined || others.length > 0) return undefined;
  return { ...file, bytes: file.bytes, checksum: file.checksum };
}

interface Written {
  kind: FileKind;
  finalName: string;
  local: string;
  rows: number;
}
