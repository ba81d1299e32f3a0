import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import type { ActivityContext } from '../../../activities/context.js';
import { lookAtTopic } from '../../../activities/look-at-topic.js';
import { planBatch } from '../../../activities/plan-batch.js';
import { TributaryError } from '../../../common/errors.js';
import type { RangeReader, TopicPositions } from '../../../kafka/types.js';
import type { PlanRequest } from '../../../workflows/ingest-types.js';

const contextOf = (positions: RangeReader['positions']): ActivityContext =>
  ({ reader: () => ({ positions }), stopping: new AbortController().signal }) as unknown as ActivityContext;
const held: TopicPositions = {
  ...{ topic: 't', topicId: 'id', asOf: 5 },
  partitions: [{ partition: 0, logStart: 3, lastStable: 8, highWatermark: 9 }],
};
const request: PlanRequest = {
  ...{ kafka: 'main', topic: 't', topicId: null, positions: {}, lanes: {}, mainActive: true },
  ...{ flushMs: 1_000, idleMs: 60_000, maxRecords: 10, splitRecords: 10, immediate: true },
};

describe('planning a batch while Kafka does not answer', () => {
  // Connecting outlasts the heartbeat timeout: status said that the worker is silent, not that Kafka does not answer.
  it('goes on giving signs of life', async () => {
    const environment = new MockActivityEnvironment();
    const alive = new Promise((resolve) => environment.once('heartbeat', resolve));
    const answer = async (): Promise<TopicPositions> => {
      await alive;
      return held;
    };
    const plan = environment.run(planBatch(contextOf(answer)), request);
    await expect(plan).resolves.toMatchObject({ to: { 0: 8 } });
  });

  it('ends when Temporal gives it up, so that no attempt lives on beside its successor', async () => {
    const environment = new MockActivityEnvironment();
    const never = (_: string, signal?: AbortSignal): Promise<TopicPositions> =>
      new Promise((_resolve, reject) => {
        signal!.addEventListener('abort', () => reject(signal!.reason as Error));
        environment.cancel('NOT_FOUND');
      });
    await expect(environment.run(planBatch(contextOf(never)), request)).rejects.toThrow(/NOT_FOUND/);
  });
});

describe('a look at a topic', () => {
  it('tells where its log begins and ends', async () => {
    const look = lookAtTopic(contextOf(() => Promise.resolve(held)));
    const found = await new MockActivityEnvironment().run(look, { kafka: 'main', topic: 't' });
    expect(found).toEqual({ asOf: 5, starts: { 0: 3 }, ends: { 0: 8 }, topicId: 'id' });
  });

  // Whoever waited for the end of the outage would show the last lag until then.
  it('answers why there is nothing to tell, and leaves what nobody raised on purpose to the next attempt', async () => {
    const fault = new TributaryError({ code: 'KafkaUnavailable', message: 'no broker', retryable: true });
    const of = (error: Error) =>
      new MockActivityEnvironment().run(lookAtTopic(contextOf(() => Promise.reject(error))), {
        ...{ kafka: 'main', topic: 't' },
      });
    expect(await of(fault)).toEqual({ fault: { code: 'KafkaUnavailable', message: 'no broker' } });
    await expect(of(new TypeError('a defect'))).rejects.toThrow('a defect');
  });
});
