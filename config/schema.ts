import { z } from 'zod';
import { KafkaSchema, TemporalSchema, WorkerSchema } from './schema-connections.js';
import { IngestSchema } from './schema-ingest.js';
import { DefaultsSchema, TableSchema } from './schema-table.js';
import { CompactionSchema, WarehouseSchema } from './schema-warehouse.js';

/** The whole config file: the one source for checks, defaults, the editors' JSON schema and the docs. */
export const ConfigSchema = z.strictObject({
  temporal: TemporalSchema.prefault({}).describe('The Temporal server that coordinates everything.'),
  kafka: KafkaSchema,
  warehouse: WarehouseSchema.describe('Where tables are stored and declared.'),
  ingest: IngestSchema.prefault({}).describe('How topics are read.'),
  compaction: CompactionSchema.prefault({}).describe('Small files of a completed partition are merged.'),
  worker: WorkerSchema.prefault({}).describe('Limits of one worker process.'),
  defaults: DefaultsSchema.optional().describe('Values for every table that does not say otherwise.'),
  tables: z.array(TableSchema).default([]).describe('The tables to land.'),
});

/** The file as people write it. */
export type ConfigInput = z.input<typeof ConfigSchema>;
/** The checked file, defaults filled in. */
export type Config = z.output<typeof ConfigSchema>;
/** One checked table, `defaults:` merged in. */
export type TableConfig = Config['tables'][number];
export type KafkaClusterConfig = Config['kafka'][string];
export type WarehouseConfig = Config['warehouse'];
