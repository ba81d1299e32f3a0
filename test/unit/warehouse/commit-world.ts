import type { CommitRequest } from '../../../warehouse/commit-plan.js';
import type { Warehouse } from '../../../warehouse/fence.js';
import { stagingDirectory, type Stream } from '../../../warehouse/layout.js';
import type { SplitManifest, StagedFile } from '../../../warehouse/manifest.js';
import type { Storage } from '../../../warehouse/storage.js';
import type { CatalogTable, PartitionValues } from '../../../warehouse/catalog.js';

export const STREAM: Stream = { kafka: 'main', topic: 'stat.click' };

export function catalogTable(storage: Storage, name: string): CatalogTable {
  return {
    name,
    columns: [{ name: 'uid', type: 'bigint' }],
    partitionColumns: ['dt', 'hh'],
    location: storage.uri(name),
  };
}

export interface FileWish {
  table?: string;
  hh: string;
  rows: number;
}

export interface BatchWish {
  seq: number;
  from: Record<number, number>;
  to: Record<number, number>;
  files: FileWish[];
  batch?: string;
  run?: string;
  splits?: number;
}

/** Stages a batch (one file a wish, its content tells batch, index and rows) and gives the request that commits it. */
export async function stageBatch(warehouse: Warehouse, wish: BatchWish): Promise<CommitRequest> {
  const { seq, batch = `batch-${wish.seq}`, run = 'run-1', splits = 1 } = wish;
  const manifests: SplitManifest[] = [];
  const partitions = Object.keys(wish.to).map(Number);
  for (let split = 0; split < splits; split++) {
    const directory = stagingDirectory({ run, batch, split, attempt: 1 });
    const files: StagedFile[] = [];
    for (const [i, file] of wish.files.entries()) {
      if (i % splits !== split) continue;
      const content = `${batch} file ${i} rows ${file.rows} `.padEnd(40 + i, '.');
      await warehouse.storage.write(`${directory}/${i}.parquet`, content);
      files.push(staged(`${directory}/${i}.parquet`, `${batch}-${i}.parquet`, file, content.length));
    }
    const ranges = partitions
      .filter((partition) => partition % splits === split)
      .map((partition) => ({ partition, from: wish.from[partition] ?? 0, to: wish.to[partition] ?? 0 }))
      .filter(({ from, to }) => to > from);
    const rows = files.reduce((total, file) => total + file.rows, 0);
    manifests.push(manifest(batch, ranges, files, rows));
  }
  return { ...STREAM, seq, batch, manifests, fromPositions: wish.from, positions: wish.to };
}

function staged(stagedPath: string, finalName: string, file: FileWish, bytes: number): StagedFile {
  const partition: PartitionValues = { dt: '2026-01-01', hh: file.hh };
  const eventMs = Date.UTC(2026, 0, 1, Number(file.hh));
  return {
    table: file.table ?? 'stat_click',
    ...{ partition, stagedPath, finalName, rows: file.rows, bytes },
    ...{ minEventMs: eventMs, maxEventMs: eventMs + file.rows, minCdcTs: null, maxCdcTs: null },
  };
}

function manifest(
  batch: string,
  ranges: SplitManifest['ranges'],
  files: StagedFile[],
  rows: number,
): SplitManifest {
  return {
    version: 1,
    ...{ batch, ranges, files, records: rows },
    ...{ quarantined: 0, unmatched: 0, withoutRows: 0, bytesRead: rows * 100 },
    ...{ quarantineReasons: {}, watermarks: {}, schemaEvents: [], newColumns: {} },
  };
}

/** Paths of all data files below the tables' directories, marks left out. */
export async function dataFiles(storage: Storage, directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await storage.list(directory)) {
    if (entry.directory) found.push(...(await dataFiles(storage, entry.path)));
    else if (!entry.path.endsWith('/_SUCCESS')) found.push(entry.path);
  }
  return found;
}
