import { z } from 'zod';
import { httpUrl, hiveIdentifier, jsonPath, secret, sourceName, timeZone } from './schema-common.js';
import { FORMATS } from './spec.js';

const MatchSchema = z.strictObject({
  database: sourceName()
    .optional()
    .describe('Database at the source: exact, or a regular expression between slashes.')
    .meta({ examples: ['shop', '/shop_\\d+/'] }),
  table: sourceName()
    .optional()
    .describe('Table at the source: exact, or a regular expression between slashes, for sharded tables.')
    .meta({ examples: ['orders', '/order_\\d+/'] }),
  collection: sourceName().optional().describe('The same as `table`, for MongoDB.'),
  shard_column: hiveIdentifier('column')
    .optional()
    .describe("Column that keeps the source table's name, when many shards land in one table."),
});

const fromShape = {
  kafka: z
    .string()
    .min(1)
    .optional()
    .describe('Name of the cluster under `kafka`. May be left out if there is only one.'),
  topic: z
    .string()
    .regex(/^[a-zA-Z0-9._-]{1,249}$/, 'a topic name has 1 to 249 letters, digits, ".", "_" and "-"')
    .describe('Kafka topic. Tables that share a topic share its reader.')
    .meta({ examples: ['stat.click'] }),
  format: z.enum(FORMATS).describe("What the records are. `tributary discover` names a topic's format."),
  match: MatchSchema.optional().describe(
    'Which records of a shared topic belong to the table. Default: all.',
  ),
  zone: timeZone()
    .optional()
    .describe(
      'Zone in which the producer writes TIMESTAMP values (Drainer, TiCDC and Canal use the zone of their process). Default: the zone of the table.',
    )
    .meta({ examples: ['Asia/Shanghai'] }),
  message: z
    .enum(['auto', 'json', 'text'])
    .optional()
    .describe('`filebeat` only: what the `message` of the envelope is. Default: `auto`.'),
  codec: z
    .enum(['json', 'raw'])
    .optional()
    .describe('`filebeat` only: `raw` if records are bare lines (`codec.format.string`). Default: `json`.'),
  decimals: z
    .enum(['precise', 'string'])
    .optional()
    .describe(
      "Debezium only: the connector's `decimal.handling.mode`, where its records have no schemas. Default: `precise`.",
    ),
  times: z
    .enum(['adaptive', 'connect', 'microseconds', 'nanoseconds'])
    .optional()
    .describe(
      "Debezium only: the connector's `time.precision.mode`, where its records have no schemas. Default: `adaptive`.",
    ),
  binaries: z
    .enum(['base64', 'hex'])
    .optional()
    .describe(
      "Debezium only: the connector's `binary.handling.mode` (`bytes` is base64). Default: `base64`.",
    ),
  registry: httpUrl()
    .optional()
    .describe("`debezium-avro` only: schema registry. Default: the cluster's `registry`.")
    .meta({ examples: ['http://127.0.0.1:8081'] }),
};

/** `from:` */
export const FromSchema = z.strictObject(fromShape);

/** `from:` under `defaults:`. */
export const FromDefaultsSchema = z.strictObject(fromShape).partial();

/** `time:` */
export const TimeSchema = z.strictObject({
  path: jsonPath()
    .optional()
    .describe('JSON path of the event time in the record.')
    .meta({ examples: ['$."@timestamp"', '$.props.ts'] }),
  from: z
    .literal('kafka')
    .optional()
    .describe('`kafka` takes the timestamp of the Kafka record instead of a path.'),
  format: z
    .enum(['auto', 'iso', 's', 'ms', 'us', 'ns'])
    .default('auto')
    .describe(
      '`auto` reads RFC 3339, `yyyy-mm-dd hh:mm:ss[.f]`, and epoch numbers by their magnitude; `s`, `ms`, `us`, `ns` are epoch units.',
    ),
  zone: timeZone()
    .optional()
    .describe('Zone of times that are written without an offset. Default: the zone of the table.'),
});

/** What a bootstrap may do to its source, for both kinds. */
const throttle = {
  chunk_rows: z.int().min(1).default(50_000).describe('Rows of one read.'),
  max_chunks_in_flight: z
    .int()
    .min(1)
    .max(64)
    .default(4)
    .describe('Reads at the same time, over all workers.'),
  rows_per_second: z.int().min(1).optional().describe('Ceiling for the whole bootstrap. Default: none.'),
};

const tidbShape = {
  kind: z.literal('tidb').describe('TiDB, as of one TSO.'),
  url: secret()
    .describe('Address of the database, from the environment or a file.')
    .meta({ examples: ['${TIDB_URL}'] }),
  table: sourceTable()
    .optional()
    .describe('`database.table` to read; `database./pattern/` for shards. Default: what `from.match` says.')
    .meta({ examples: ['shop.orders'] }),
  ...throttle,
};

const mongoShape = {
  kind: z.literal('mongodb').describe('MongoDB, from a secondary or hidden node.'),
  url: secret()
    .describe('Address of the database, from the environment or a file.')
    .meta({ examples: ['${MONGO_URL}'] }),
  collection: sourceTable()
    .optional()
    .describe('`database.collection` to read. Default: what `from.match` says.')
    .meta({ examples: ['shop.carts'] }),
  table: sourceTable().optional().describe('The same as `collection`.'),
  read_preference: z
    .enum(['secondary', 'secondaryPreferred', 'nearest', 'primary', 'primaryPreferred'])
    .default('secondary')
    .describe('Which members of the replica set may be read.'),
  direct: z
    .boolean()
    .default(false)
    .describe('Connect to the one node of the URL only, such as a hidden member.'),
  ...throttle,
};

function sourceTable() {
  return z.string().regex(/^[^.\s]+\.(\/.+\/|\S+)$/, 'name the database too, as in shop.orders');
}

/** `bootstrap:` */
export const BootstrapSchema = z.discriminatedUnion('kind', [
  z.strictObject(tidbShape).meta({ title: 'bootstrap (tidb)' }),
  z.strictObject(mongoShape).meta({ title: 'bootstrap (mongodb)' }),
]);

/** `bootstrap:` under `defaults:`. */
export const BootstrapDefaultsSchema = z
  .strictObject({
    ...mongoShape,
    ...tidbShape,
    kind: z.enum(['tidb', 'mongodb']).describe('Kind of the database.'),
  })
  .omit({ table: true, collection: true })
  .partial();
