import { z } from 'zod';
import { duration, size } from './schema-common.js';

const flushTexts = {
  interval: 'A batch is cut at the latest after this time.',
  max_records: 'A batch has at most about this many records.',
  max_bytes: 'A batch has at most about this many bytes, as stored in Kafka.',
};

const FlushSchema = z.strictObject({
  interval: duration().prefault('1m').describe(flushTexts.interval),
  max_records: z.int().min(1).default(2_000_000).describe(flushTexts.max_records),
  max_bytes: size().prefault('1GiB').describe(flushTexts.max_bytes),
});

const texts = {
  flush: 'When a batch is cut. Larger batches make fewer files, smaller ones fresher tables.',
  parallelism: 'Splits of one batch that are written at the same time, over all workers.',
  split_size: 'Kafka bytes that one activity reads.',
};

const TopicIngestSchema = z.strictObject({
  flush: z
    .strictObject({
      interval: duration().optional().describe(flushTexts.interval),
      max_records: z.int().min(1).optional().describe(flushTexts.max_records),
      max_bytes: size().optional().describe(flushTexts.max_bytes),
    })
    .optional()
    .describe(texts.flush),
  parallelism: z.int().min(1).max(256).optional().describe(texts.parallelism),
  split_size: size().optional().describe(texts.split_size),
});

/** `ingest:` A topic is read once for all its tables, so these belong to topics, not to tables. */
export const IngestSchema = z.strictObject({
  flush: FlushSchema.prefault({}).describe(texts.flush),
  parallelism: z.int().min(1).max(256).default(4).describe(texts.parallelism),
  split_size: size().prefault('128MiB').describe(texts.split_size),
  topics: z
    .record(z.string(), TopicIngestSchema)
    .default({})
    .describe('Other values for single topics, by topic name (or `cluster/topic`).'),
});
