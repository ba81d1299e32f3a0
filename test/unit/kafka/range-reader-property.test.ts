import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KafkaError } from '../../../kafka/protocol/error-codes.js';
import { readAll, readerOn } from './support/collect.js';
import { type Fault, ModelBroker } from './support/model-broker.js';
import { randomLog } from './support/random-log.js';

/** Faults that a working cluster shows now and then; none of them may change what is read. */
const fault: fc.Arbitrary<Fault> = fc.constantFrom<Fault>(
  'throttled',
  Object.assign(new Error('reset'), { name: 'KafkaJSConnectionError' }),
  ...[
    KafkaError.NOT_LEADER_OR_FOLLOWER,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.KAFKA_STORAGE_ERROR,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.OFFSET_OUT_OF_RANGE,
    KafkaError.UNKNOWN_TOPIC_OR_PARTITION,
    KafkaError.FETCH_SESSION_ID_NOT_FOUND,
    KafkaError.LEADER_NOT_AVAILABLE,
  ].map((errorCode) => ({ errorCode })),
);

const share = fc.double({ min: 0, max: 1, noNaN: true });

describe('readRange on any log', () => {
  it('yields exactly the committed records of the range, each once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        randomLog,
        share,
        share,
        fc.integer({ min: 1, max: 3000 }),
        fc.array(fault, { maxLength: 4 }),
        async ({ log, committed }, a, b, maxFetchBytes, faults) => {
          const width = log.lastStable - log.logStart;
          const from = log.logStart + Math.floor(Math.min(a, b) * width);
          const to = log.logStart + Math.ceil(Math.max(a, b) * width);
          const broker = new ModelBroker(log);
          broker.faults = [...faults];
          const seen = await readAll(readerOn(broker), from, to, { maxFetchBytes });
          expect(seen).toEqual(committed.filter(({ offset }) => offset >= from && offset < to));
        },
      ),
      { numRuns: 400 },
    );
  });

  it('reads the same from any cut of the range: a split of work changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(randomLog, fc.array(share, { maxLength: 4 }), async ({ log, committed }, cuts) => {
        const width = log.lastStable - log.logStart;
        const edges = [0, ...cuts, 1]
          .map((cut) => log.logStart + Math.round(cut * width))
          .sort((x, y) => x - y);
        const reader = readerOn(new ModelBroker(log));
        const parts = [];
        for (let index = 1; index < edges.length; index++) {
          parts.push(...(await readAll(reader, edges[index - 1]!, edges[index]!, { maxFetchBytes: 500 })));
        }
        expect(parts).toEqual(
          committed.filter(({ offset }) => offset >= log.logStart && offset < log.lastStable),
        );
      }),
      { numRuns: 200 },
    );
  });
});
