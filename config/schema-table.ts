import { z } from 'zod';
import { duration, hiveIdentifier, hiveType, timeZone, unlessMissing } from './schema-common.js';
import {
  BootstrapDefaultsSchema,
  BootstrapSchema,
  FromDefaultsSchema,
  FromSchema,
  TimeSchema,
} from './schema-from.js';
import { TableCompactionSchema } from './schema-warehouse.js';

const ColumnSchema = z.strictObject({
  name: hiveIdentifier('column').describe('Name of the column in Hive.'),
  type: hiveType()
    .describe('Hive type.')
    .meta({ examples: ['bigint', 'decimal(18,2)', 'array<string>'] }),
  path: z
    .string()
    .min(1)
    .optional()
    .describe(
      'JSON path in the record or document, `$.name` by default. Mirror of a relational table: name of the source column, the same name by default.',
    )
    .meta({ examples: ['$.props.lesson', '$."user id"', '$.items[0]'] }),
});

const SnapshotSchema = z.strictObject({
  every: z
    .enum(['day', 'hour', 'minute'])
    .describe("Which boundaries of the table's zone get a snapshot. `minute` is meant for trials."),
  engine: z
    .enum(['auto', 'duckdb', 'hive'])
    .default('auto')
    .describe(
      'Where snapshots are merged: in the workers, or by one statement on the cluster. `auto` goes by size.',
    ),
  keep: z.int().min(1).default(400).describe('How many boundaries stay; older partitions are dropped.'),
  keep_month_ends: z
    .boolean()
    .default(false)
    .describe('Keep the last snapshot of every month beyond `keep`.'),
  late: z
    .enum(['rebuild', 'next'])
    .default('rebuild')
    .describe(
      'What a late row does to a published snapshot: `rebuild` makes a new revision of it, `next` shows the row from the next snapshot on.',
    ),
});

const common = {
  timezone: timeZone()
    .optional()
    .describe("Zone of the table's days and hours. Default: `warehouse.timezone`."),
  partition: z
    .union([z.tuple([z.literal('day')]), z.tuple([z.literal('day'), z.literal('hour')])], {
      error: unlessMissing('partition is [day] or [day, hour], in this order'),
    })
    .default(['day'])
    .describe('Partition columns of the changelog: `[day]` is `dt`, `[day, hour]` is `dt` and `hh`.'),
  raw: z
    .union([z.boolean(), hiveIdentifier('column')])
    .prefault(false)
    .describe('Keep the record as it came: `true` in a column `raw`, or the name of the column.'),
  lateness: duration()
    .prefault('10m')
    .describe('How long after a boundary rows are waited for before its partition counts as complete.'),
  schema_change: z
    .enum(['evolve', 'ignore', 'fail'])
    .default('evolve')
    .describe(
      'What changes of the source do: `evolve` adds new columns and widens types, `ignore` only widens, `fail` holds the table ' +
        'before the change until it is started again.',
    ),
  quarantine: z
    .strictObject({
      max_records: z.int().min(0).optional().describe('Pause the table above this many quarantined records.'),
      max_share: z
        .number()
        .min(0)
        .max(1)
        .optional()
        .describe('Pause the table above this share of quarantined records in a batch.')
        .meta({ examples: [0.01] }),
    })
    .default({})
    .describe('When bad records pause the table. Default: never; they wait in `<name>_quarantine`.'),
  compaction: TableCompactionSchema.optional().describe('Other values than the top level `compaction`.'),
};

/** One of `tables:`. */
export const TableSchema = z.strictObject({
  name: hiveIdentifier('table', 100).describe('Name of the Hive table, and of the workflow `table/<name>`.'),
  mode: z
    .enum(['append', 'mirror'])
    .describe('`append` lands records; `mirror` restores a database table or collection.'),
  from: FromSchema.describe('Where the records come from.'),
  time: TimeSchema.optional().describe(
    'Event time of `append` tables, which decides the partition. Default: the `@timestamp` of `filebeat`, the Kafka timestamp of `text`. A mirror has the time of its changes.',
  ),
  columns: z
    .array(ColumnSchema)
    .default([])
    .describe('Typed columns. A mirror without any takes them from its source.'),
  key: z
    .array(hiveIdentifier('column'))
    .min(1)
    .optional()
    .describe(
      'Key columns of a mirror, in order. Default: the primary key that the log or the source names.',
    ),
  rename: z
    .record(z.string(), hiveIdentifier('column'))
    .default({})
    .describe('Source column -> Hive column, for names that clash with the added columns or with each other.')
    .meta({ examples: [{ event_time: 'shop_event_time' }] }),
  bootstrap: BootstrapSchema.optional().describe(
    'One read of the source before the log is applied. Without it a mirror starts empty at the start of the log.',
  ),
  snapshot: z
    .union([z.literal(false), SnapshotSchema])
    .optional()
    .describe('Snapshots of a mirror; `false` keeps its changelog only.'),
  ...common,
});

/** `defaults:` What a table leaves out. */
export const DefaultsSchema = z.strictObject({
  mode: z.enum(['append', 'mirror']).optional().describe('Mode of tables that say none.'),
  from: FromDefaultsSchema.optional().describe('Defaults of `from`.'),
  time: TimeSchema.optional().describe('Defaults of `time`, for `append` tables.'),
  bootstrap: BootstrapDefaultsSchema.optional().describe(
    'Defaults of `bootstrap`, for tables that have one.',
  ),
  snapshot: SnapshotSchema.partial().optional().describe('Defaults of `snapshot`, for mirrors.'),
  ...common,
});
