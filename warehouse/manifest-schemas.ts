import { z } from 'zod';
import type {
  CommitRecord,
  CommitRemoval,
  PartitionState,
  SplitManifest,
  StoredPositions,
} from './manifest.js';

/** Checks of the control files that are read back. Unknown members stay, so that an older worker loses nothing. */

const count = z.number().int().nonnegative();
const offsets = z.record(z.string().regex(/^\d+$/), count);
const offsetsByTopic = z.record(
  z.string(),
  z.record(z.string().regex(/^\d+$/), z.array(z.tuple([count, count]))),
);
const partitionValues = z.record(z.string(), z.string());
const path = z.string().min(1);
const decimal = z.string().regex(/^-?\d+$/);

const stagedFile = z.looseObject({
  table: z.string().min(1),
  partition: partitionValues,
  stagedPath: path,
  finalName: path,
  rows: count,
  bytes: count,
  minEventMs: z.number().nullable(),
  maxEventMs: z.number().nullable(),
  minCdcTs: decimal.nullable(),
  maxCdcTs: decimal.nullable(),
  key: z.array(z.string().min(1)).optional(),
});

const counts = {
  records: count,
  quarantined: count,
  unmatched: count,
  withoutRows: count,
  bytesRead: count,
};

export const commitRemovalSchema: z.ZodType<CommitRemoval> = z.looseObject({
  table: z.string().min(1),
  partition: partitionValues,
  expectedDirectory: path,
  newDirectory: path,
  inputs: z.array(path),
  files: z.array(z.looseObject({ stagedPath: path, finalName: path, bytes: count })),
  rows: count,
});

export const splitManifestSchema: z.ZodType<SplitManifest> = z.looseObject({
  version: z.literal(1),
  batch: z.string(),
  ranges: z.array(z.looseObject({ partition: count, from: count, to: count })),
  ...counts,
  files: z.array(stagedFile),
  quarantineReasons: z.record(z.string(), z.record(z.string(), count)),
  watermarks: z.record(z.string(), decimal),
  schemaEvents: z.array(
    z.looseObject({
      table: z.string().nullable(),
      cdcTs: z.string().nullable(),
      partition: count,
      offset: count,
      kind: z.string(),
      sql: z.string(),
    }),
  ),
  newColumns: z.record(z.string(), z.record(z.string(), z.string())),
  removals: z.array(commitRemovalSchema).optional(),
  retyped: z.record(z.string(), z.record(z.string(), z.string())).optional(),
  shapes: z.record(z.string(), z.record(z.string(), z.string())).optional(),
  offsets: offsetsByTopic.optional(),
});

const stream = {
  kafka: z.string().min(1),
  topic: z.string().min(1),
  member: z.string().min(1).optional(),
  topicId: z.string().optional(),
};

const members = z.record(z.string(), z.unknown());

export const commitRecordSchema: z.ZodType<CommitRecord> = z.looseObject({
  version: z.literal(1),
  ...stream,
  seq: count,
  batch: z.string(),
  fromPositions: offsets,
  positions: offsets,
  members: members.optional(),
  counts: z.looseObject(counts),
  files: z.array(stagedFile.extend({ finalPath: path, revision: count })),
  removals: z.array(commitRemovalSchema).optional(),
  offsets: offsetsByTopic.optional(),
  graceMs: count.optional(),
});

export const storedPositionsSchema: z.ZodType<StoredPositions> = z.looseObject({
  version: z.literal(1),
  ...stream,
  seq: count,
  positions: offsets,
  members: members.optional(),
  updatedAt: z.string(),
});

export const partitionStateSchema: z.ZodType<PartitionState> = z.looseObject({
  version: z.literal(1),
  table: z.string().min(1),
  partition: partitionValues,
  directory: path,
  revision: count,
  complete: z.boolean(),
  dropped: z.boolean().optional(),
  rows: count,
  files: count,
  bytes: count,
  applied: z.record(z.string(), count),
  minEventMs: z.number().nullable(),
  maxEventMs: z.number().nullable(),
  offsets: offsetsByTopic.optional(),
  completedAt: z.string().optional(),
  completedPositions: offsets.optional(),
});
