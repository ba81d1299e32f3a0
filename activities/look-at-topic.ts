import { isTributaryError } from '../common/errors.js';
import { redact } from '../common/redact.js';
import type { Positions } from '../workflows/ingest-types.js';
import { attempt } from './attempt.js';
import type { ActivityContext } from './context.js';
import type { ControlActivities } from './types.js';

/**
 * What Kafka holds of a topic now. Why it cannot be told is an answer too: whoever asks does so to show it, and must not wait for
 * the end of an outage.
 */
export function lookAtTopic(context: ActivityContext): ControlActivities['lookAtTopic'] {
  return ({ kafka, topic }) =>
    attempt(async ({ signal }) => {
      try {
        const { asOf, topicId = null, partitions } = await context.reader(kafka).positions(topic, signal);
        const starts: Positions = {};
        const ends: Positions = {};
        for (const { partition, logStart, lastStable } of partitions) {
          starts[partition] = logStart;
          ends[partition] = lastStable;
        }
        return { asOf, starts, ends, topicId };
      } catch (error) {
        if (signal.aborted || !isTributaryError(error)) throw error;
        return { fault: { code: error.code, message: redact(error.message) } };
      }
    });
}
