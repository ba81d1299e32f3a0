import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  chunksDone,
  ensureChunk,
  finishBootstrap,
  planBootstrap,
  readPlan,
  startBootstrap,
} from '../../../sources/bootstrap.js';
import type { LocalChunk } from '../../../sources/read-chunk.js';
import { FileStorage } from '../../../warehouse/storage-file.js';
import { readSnapshotManifest } from '../../../warehouse/snapshot/manifest.js';
import type { SnapshotTable } from '../../../warehouse/snapshot/types.js';

let root: string;
let storage: FileStorage;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tributary-bootstrap-'));
  storage = new FileStorage(join(root, 'storage'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const directory = '_tributary/bootstrap/orders/b1';
const table: SnapshotTable = {
  name: 'orders',
  kind: 'relational',
  key: ['id'],
  columns: [{ name: 'id', type: 'bigint' }],
};
const boundary = { order: 'tso', ms: 1_700_000_000_000, wall: '2023-11-15 06:13:20' } as const;

interface Piece {
  index: number;
}

/** Cuts `total` chunks, and dies after `life` of them. */
function cutter(total: number, life = Infinity) {
  let cut = 0;
  return async function* (known: Piece | undefined): AsyncGenerator<Piece> {
    for (let index = known ? known.index + 1 : 0; index < total; index++) {
      if (++cut > life) throw new Error('killed');
      yield await Promise.resolve({ index });
    }
  };
}

async function local(content: string, rows = 1): Promise<LocalChunk> {
  const path = join(root, `local-${Math.random()}.parquet`);
  await writeFile(path, content);
  return { path, rows, bytes: content.length, checksum: `crc32:${content}` };
}

describe('a bootstrap', () => {
  // Two workers that disagree about the TSO would mix two states of the table.
  it('begins once, whoever asks', async () => {
    const start = (tso: string) => startBootstrap(storage, directory, () => Promise.resolve({ tso }));
    const all = await Promise.all([start('1'), start('2'), start('3')]);
    expect(new Set(all.map(({ tso }) => tso)).size).toBe(1);
    expect(await start('4')).toEqual(all[0]);
  });

  it.each([0, 1, 199, 200, 201, 450])(
    'plans %i chunks across a kill, without a gap or a repeat',
    async (total) => {
      await planBootstrap(storage, directory, cutter(total, 250)).catch(() => undefined);
      expect(await planBootstrap(storage, directory, cutter(total))).toBe(total);
      const { chunks } = await readPlan<Piece>(storage, directory);
      expect(chunks.map(({ index }) => index)).toEqual([...Array(total).keys()]);
      const dead = () => {
        throw new Error('planned again');
      };
      expect(await planBootstrap(storage, directory, dead)).toBe(total);
    },
  );

  // A chunk that is read twice and kept twice would double its rows.
  it('keeps one file a chunk when attempts race, and reads no chunk that is done', async () => {
    await planBootstrap(storage, directory, cutter(2));
    const one = await ensureChunk(storage, directory, 0, () => local('first', 3));
    expect(await ensureChunk(storage, directory, 0, () => Promise.reject(new Error('read again')))).toEqual(
      one,
    );
    const race = await Promise.all(
      ['a', 'b', 'a'].map((content) => ensureChunk(storage, directory, 1, () => local(content, 4))),
    );
    expect(new Set(race.map((record) => record.file)).size).toBe(1);
    expect(await chunksDone(storage, directory)).toEqual([0, 1]);
    const manifest = await finishBootstrap(storage, directory, table, boundary);
    expect(manifest).toMatchObject({ engine: 'bootstrap', counts: { rows: 7 }, bucketing: { count: 1 } });
    for (const file of manifest.files) {
      expect((await storage.stat(`${directory}/${file.name}`))?.size).toBe(file.bytes);
    }
    expect(await readSnapshotManifest(storage, directory)).toEqual(manifest);
  });

  // A mirror that starts from part of the table is wrong for ever.
  it('cannot be finished before every chunk is there', async () => {
    const fails = () =>
      expect(finishBootstrap(storage, directory, table, boundary)).rejects.toMatchObject({
        code: 'BootstrapIncomplete',
      });
    await fails();
    await planBootstrap(storage, directory, cutter(2));
    await ensureChunk(storage, directory, 1, () => local('x'));
    await fails();
    await ensureChunk(storage, directory, 0, () => local('y'));
    expect((await finishBootstrap(storage, directory, table, boundary)).files).toHaveLength(2);
  });
});
