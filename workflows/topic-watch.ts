import { ActivityFailure, condition, isCancellation, log, sleep } from '@temporalio/workflow';
import { run } from './run-activity.js';
import type { TopicLook } from './ingest-types.js';

/** A topic that is read looks at Kafka at least every minute, unless it is stuck in something. */
const LOOK_AFTER_MS = 75_000;

export interface WatchedTopic {
  kafka: string;
  topic: string;
  /** When Kafka was looked at last, by whomever. */
  lookedMs(): number;
  /** Whether anyone wants to know. */
  wanted(): boolean;
  /** Nobody has looked ever, and nobody but this will. */
  urgent(): boolean;
  /** Takes in what a look has found, and tells the tables. */
  found(look: TopicLook): Promise<void>;
}

const NEXT_LOOK = 'the next look at the topic';

/**
 * Looks at a topic whenever nobody else does for a while: all its tables are paused, or what reads it is stuck. They go on falling
 * behind, and someone has to see it. Never ends but with its workflow.
 */
export async function watchTopic(watched: WatchedTopic): Promise<void> {
  const { kafka, topic } = watched;
  for (;;) {
    const rest = watched.lookedMs() + LOOK_AFTER_MS - Date.now();
    if (!watched.urgent() && (rest > 0 || !watched.wanted())) {
      await condition(() => watched.urgent(), rest > 0 ? rest : LOOK_AFTER_MS, { summary: NEXT_LOOK });
      continue;
    }
    try {
      await watched.found(
        await run('lookAtTopic', `how far do tables of ${topic} fall behind?`, { kafka, topic }),
      );
    } catch (error) {
      if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
      // Nobody depends on it; the next look is as good.
      log.warn('look failed', { topic });
      await sleep(LOOK_AFTER_MS, { summary: NEXT_LOOK });
    }
  }
}
