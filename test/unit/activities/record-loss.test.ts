import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ActivityContext } from '../../../activities/context.js';
import { recordLoss } from '../../../activities/record-loss.js';
import type { ControlActivities } from '../../../activities/types.js';
import { createLogger } from '../../../common/log.js';
import { FileStorage } from '../../../warehouse/storage-file.js';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tributary-loss-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** @param partitions log start and high watermark of each partition that the topic has now */
function accept(
  topicId: string,
  partitions: Record<number, [number, number]>,
): ReturnType<ControlActivities['recordLoss']> {
  const seen = {
    topicId,
    partitions: Object.entries(partitions).map(([partition, [logStart, highWatermark]]) => ({
      ...{ partition: Number(partition), logStart, highWatermark },
    })),
  };
  const context = {
    storage: new FileStorage(dir),
    log: createLogger({ redact: (text) => text, level: 'silent' }),
    reader: () => ({ positions: () => Promise.resolve(seen) }),
  } as unknown as ActivityContext;
  const request = { kafka: 'main', topic: 't', topicId: 'old', positions: { 0: 10, 1: 10 }, tables: ['a'] };
  const environment = new MockActivityEnvironment({ startToCloseTimeoutMs: 120_000 });
  return environment.run(recordLoss(context), request);
}

const written = async (record: string): Promise<{ lost: unknown } | null> =>
  readFile(join(dir, record), 'utf8').then(
    (text) => JSON.parse(text) as { lost: unknown },
    () => null,
  );

describe('a loss that a person accepts', () => {
  // Whoever looks years later for what is missing has only this note.
  it('names the partitions that a topic made anew has no more', async () => {
    const { lost, starts, record } = await accept('new', { 0: [0, 5] });
    const all = [
      { partition: 0, from: 10, to: null },
      { partition: 1, from: 10, to: null },
    ];
    expect(lost).toEqual(all);
    expect(starts).toEqual({ 0: 0 });
    expect(await written(record)).toMatchObject({ lost: all, deletedTopicId: 'old' });
  });

  it('is the interval that retention took, and nothing is written down where nothing is lost', async () => {
    const some = await accept('old', { 0: [15, 20], 1: [0, 20] });
    expect(some.lost).toEqual([{ partition: 0, from: 10, to: 15 }]);
    expect(await written(some.record)).toMatchObject({ lost: some.lost });
    const none = await accept('old', { 0: [0, 20], 1: [0, 20] });
    expect(none.lost).toEqual([]);
    expect(await written(none.record)).toBeNull();
  });
});
