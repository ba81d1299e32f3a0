import { CONTROL, quoteSegment } from '../warehouse/layout.js';
import type { Positions } from '../workflows/ingest-types.js';
import { attempt } from './attempt.js';
import type { ActivityContext } from './context.js';
import type { ControlActivities } from './types.js';

/**
 * Writes down which offsets a person has given up, where the data are, so that nobody wonders later what is missing.
 */
export function recordLoss(context: ActivityContext): ControlActivities['recordLoss'] {
  return ({ kafka, topic, topicId, positions, tables, lastBatch }) =>
    attempt(async ({ signal }) => {
      const seen = await context.reader(kafka).positions(topic, signal);
      const recreated = Boolean(topicId && seen.topicId && topicId !== seen.topicId);
      const starts: Positions = {};
      const lost: { partition: number; from: number; to: number | null }[] = [];
      for (const { partition, logStart, highWatermark } of seen.partitions) {
        starts[partition] = logStart;
        const position = positions[partition];
        if (position === undefined) continue;
        // The topic was made anew, and how far the old one went is not known to anyone.
        if (recreated || position > highWatermark) lost.push({ partition, from: position, to: null });
        else if (position < logStart) lost.push({ partition, from: position, to: logStart });
      }
      // A topic that was made anew may have fewer partitions.
      for (const [partition, from] of Object.entries(positions)) {
        if (!(Number(partition) in starts)) lost.push({ partition: Number(partition), from, to: null });
      }
      const recordedAt = new Date().toISOString();
      const path = `${CONTROL}/lost/${quoteSegment(kafka)}/${quoteSegment(topic)}/${recordedAt.replaceAll(':', '-')}.json`;
      const record = {
        version: 1,
        kafka,
        topic,
        topicId: seen.topicId ?? null,
        ...(recreated && { deletedTopicId: topicId }),
        tables,
        recordedAt,
        // Tells rows of a deleted topic from those of the one that is there now, where offsets do not.
        ...(lastBatch !== undefined && { lastBatch }),
        positions,
        starts,
        lost,
      };
      // A resume that found nothing lost leaves no note of a loss.
      if (recreated || lost.length > 0) {
        await context.storage.write(path, `${JSON.stringify(record, null, 2)}\n`, signal);
        context.log.warn({ topic, lost, path }, 'loss accepted');
      }
      return { starts, topicId: seen.topicId ?? null, record: path, lost };
    });
}
