import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  abandonGeneration,
  baseBefore,
  currentGeneration,
  finishedBootstrap,
  markFinished,
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
