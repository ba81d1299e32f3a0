import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  abandonGeneration,
  baseBefore,
  currentGeneration,
  finishedBootstrap,
  generationDirectory,
  markFinished,
  removeOldGenerations,
  replaceGeneration,
} from '../../../sources/bootstrap-generation.js';
import { ensurePlanPage, readPlan } from '../../../sources/bootstrap.js';
import { commonKey } from '../../../sources/tidb-bootstrap.js';
import { FileStorage } from '../../../warehouse/storage-file.js';

let root: string;
let storage: FileStorage;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tributary-generation-'));
  storage = new FileStorage(root);
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe('generations of a bootstrap', () => {
  it('follow one another: what was given up is never mixed with what is read after it', async () => {
    const first = await currentGeneration(storage, 'shop');
    expect(first).toMatchObject({ number: 1, finished: null });
    await storage.write(`${first.directory}/_start.json`, '{}');
    await storage.write(`${first.directory}/chunk-000000.parquet`, 'rows');
    expect((await currentGeneration(storage, 'shop')).number).toBe(1);
    await abandonGeneration(storage, 'shop', 1, 'lost');
    // A zombie of the first generation writes on.
    await storage.write(`${first.directory}/chunk-000001.parquet`, 'rows');
    const second = await currentGeneration(storage, 'shop');
    expect(second).toMatchObject({ number: 2, finished: null });
    expect(await storage.stat(`${first.directory}/chunk-000000.parquet`)).toBeUndefined();
    await abandonGeneration(storage, 'shop', 1, 'lost');
    expect((await currentGeneration(storage, 'shop')).number).toBe(2);
  });

  it('end with one that is finished, which storage alone remembers', async () => {
    const { directory } = await currentGeneration(storage, 'done');
    expect(await finishedBootstrap(storage, directory)).toBeUndefined();
    const base = { directory, boundaryMs: 5, rows: 7, cdcTs: '9007199254740993', key: ['id'] };
    await markFinished(storage, base);
    expect((await currentGeneration(storage, 'done')).finished).toEqual(base);
  });
});

describe('a bootstrap that is made anew', () => {
  it('is what later snapshots start from; earlier ones still find the base that they had', async () => {
    const finish = async (boundaryMs: number) => {
      const { directory, number } = await currentGeneration(storage, 'anew');
      await markFinished(storage, { directory, boundaryMs, rows: 1, cdcTs: '1', key: ['id'] });
      return number;
    };
    expect(await baseBefore(storage, 'anew', 9_000)).toBeUndefined();
    expect(await finish(1_000)).toBe(1);
    await replaceGeneration(storage, 'anew', 1);
    expect((await currentGeneration(storage, 'anew')).number).toBe(2);
    expect((await baseBefore(storage, 'anew', 9_000))!.boundaryMs).toBe(1_000);
    expect(await finish(5_000)).toBe(2);
    const starts = await Promise.all(
      [500, 1_000, 1_001, 5_000, 5_001].map((ms) => baseBefore(storage, 'anew', ms)),
    );
    expect(starts.map((base) => base?.boundaryMs)).toEqual([undefined, undefined, 1_000, 1_000, 5_000]);
  });
});

describe('generations that nobody needs any more', () => {
  const soon = () => Date.now() + 60_000;
  const finish = async (table: string, boundaryMs: number): Promise<void> => {
    const { directory, number } = await currentGeneration(storage, table);
    await storage.write(`${directory}/chunk-000000.parquet`, 'rows');
    await markFinished(storage, { directory, boundaryMs, rows: 1, cdcTs: '1', key: ['id'] });
    if (boundaryMs < 9_000) await replaceGeneration(storage, table, number);
  };

  // A day that is made anew after a late change begins at its base: without it the day could never be right again.
  it('go once a later one shows an instant before every snapshot there is, and not before', async () => {
    for (const boundaryMs of [1_000, 5_000, 9_000]) await finish('old', boundaryMs);
    const remove = (oldestMs: number | null, beforeMs = soon()) =>
      removeOldGenerations(storage, 'old', { oldestMs, beforeMs });
    expect(await remove(null)).toEqual([]);
    expect(await remove(5_000)).toEqual([]);
    expect(await remove(5_001, Date.now() - 60_000)).toEqual([]);
    expect(await remove(5_001)).toEqual([1]);
    expect((await baseBefore(storage, 'old', 5_001))!.boundaryMs).toBe(5_000);
    expect(await remove(9_001)).toEqual([2]);
    expect(await currentGeneration(storage, 'old')).toMatchObject({
      number: 3,
      finished: { boundaryMs: 9_000 },
    });
    expect(await remove(99_000)).toEqual([]);
  });

  it('go if they were given up, but for the newest: its number must not be used again', async () => {
    const { directory } = await currentGeneration(storage, 'given-up');
    await storage.write(`${directory}/_start.json`, '{}');
    await abandonGeneration(storage, 'given-up', 1, 'lost');
    await storage.write(`${directory}/chunk-000009.parquet`, 'of a straggler');
    const remove = () => removeOldGenerations(storage, 'given-up', { oldestMs: null, beforeMs: soon() });
    expect(await remove()).toEqual([]);
    await storage.write(`${generationDirectory('given-up', 2)}/_start.json`, '{}');
    expect(await remove()).toEqual([1]);
    expect((await currentGeneration(storage, 'given-up')).number).toBe(2);
  });
});

describe('pages of a plan', () => {
  it('are cut one by one, each after the last chunk of the one before, and never twice', async () => {
    const cuts: (number | undefined)[] = [];
    async function* cut(known: { index: number } | undefined) {
      cuts.push(known?.index);
      for (let index = (known?.index ?? -1) + 1; index < 450; index++) yield await Promise.resolve({ index });
    }
    for (let page = 1, last = false; !last; page++) {
      ({ last } = await ensurePlanPage(storage, 'plan', page, cut));
      await ensurePlanPage(storage, 'plan', page, cut);
    }
    expect(cuts).toEqual([undefined, 199, 399]);
    const { chunks, complete } = await readPlan<{ index: number }>(storage, 'plan');
    expect(complete).toBe(true);
    expect(chunks.map(({ index }) => index)).toEqual([...Array(450).keys()]);
  });
});

it('shards have a key only if all of them have the same', () => {
  expect(commonKey([{ key: ['a', 'b'] }, { key: ['a', 'b'] }])).toEqual(['a', 'b']);
  expect(commonKey([{ key: ['a', 'b'] }, { key: ['a'] }])).toEqual([]);
});
