import { z } from 'zod';
import { duration, hiveIdentifier, httpUrl, port, secret, size, timeZone } from './schema-common.js';

const HiveCatalog = z
  .strictObject({
    kind: z.literal('hive').describe('HiveServer2.'),
    host: z.string().min(1).describe('Host of HiveServer2.'),
    port: port().default(10_000).describe('Port of HiveServer2 (binary transport).'),
    auth: z
      .enum(['nosasl', 'plain'])
      .default('plain')
      .describe(
        "HiveServer2's `hive.server2.authentication`: `nosasl` for NOSASL, `plain` for NONE, LDAP, PAM and CUSTOM.",
      ),
    user: z.string().min(1).default('hive').describe('User name.'),
    password: secret().optional().describe('Password, for `auth: plain`.'),
    database: hiveIdentifier('database')
      .prefault('default')
      .describe('Hive database of the tables; created if missing.'),
    settings: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .default({})
      .describe('Session settings for every statement, such as the execution engine and its queue.')
      .meta({ examples: [{ 'hive.execution.engine': 'tez', 'tez.queue.name': 'etl' }] }),
    statement_timeout: duration().prefault('2h').describe('Longest time for one statement.'),
  })
  .meta({ title: 'catalog (hive)' });

const NoCatalog = z
  .strictObject({ kind: z.literal('none').describe('No catalog: Parquet files and manifests only.') })
  .meta({ title: 'catalog (none)' });

const WebHdfsStorage = z
  .strictObject({
    kind: z.literal('webhdfs').describe('HDFS over WebHDFS (or HttpFS).'),
    url: z
      .union([httpUrl(), z.array(httpUrl()).min(1)])
      .describe('Address of the NameNode, or of both NameNodes of an HA pair.')
      .meta({ examples: ['http://127.0.0.1:9870', ['http://nn1:9870', 'http://nn2:9870']] }),
    user: z.string().min(1).default('hive').describe('`user.name` of the requests.'),
    root: z
      .string()
      .regex(
        /^\/[^:?*\s]*[^:?*\s/]$/,
        'root is an absolute HDFS path other than /, without a slash at its end',
      )
      .describe('Directory of all data, manifests and positions.')
      .meta({ examples: ['/warehouse/tributary'] }),
    fs_uri: z
      .string()
      .regex(
        /^[a-z][a-z0-9]*:\/\/[^/\s]+$/,
        'fs_uri is a scheme and an authority, such as hdfs://nameservice1',
      )
      .optional()
      .describe("Prefix of Hive's LOCATIONs. Default: none, so that Hive's own `fs.defaultFS` holds.")
      .meta({ examples: ['hdfs://namenode:8020'] }),
  })
  .meta({ title: 'storage (webhdfs)' });

const FileStorage = z
  .strictObject({
    kind: z.literal('file').describe('A directory that all workers (and Hive) see.'),
    root: z
      .string()
      .min(1)
      .describe("Directory of all data, manifests and positions; relative to the config file's directory.")
      .meta({ examples: ['./data'] }),
  })
  .meta({ title: 'storage (file)' });

/** `warehouse:` */
export const WarehouseSchema = z.strictObject({
  catalog: z.discriminatedUnion('kind', [HiveCatalog, NoCatalog]).describe('Where tables are declared.'),
  storage: z.discriminatedUnion('kind', [WebHdfsStorage, FileStorage]).describe('Where files are written.'),
  timezone: timeZone()
    .prefault('UTC')
    .describe('Zone of days and hours, for tables that have no `timezone` of their own.')
    .meta({ examples: ['Asia/Shanghai'] }),
  timestamps: z
    .enum(['native', 'string'])
    .default('native')
    .describe(
      'How timestamps are written: `native` for Hive 4; `string` for Hive 3, which cannot read INT64 timestamps.',
    ),
  grace: duration()
    .prefault('24h')
    .describe('How long a replaced directory stays for queries that still read it.'),
});

const compaction = {
  target_file_size: size().prefault('256MiB').describe('Size of the files that compaction writes.'),
  min_files: z
    .int()
    .min(2)
    .default(4)
    .describe('A completed partition with fewer files than this is left as it is.'),
};

/** `compaction:` */
export const CompactionSchema = z.strictObject(compaction);

/** `compaction:` of one table, where absent values come from the top level. */
export const TableCompactionSchema = z.strictObject({
  target_file_size: size()
    .optional()
    .describe(compaction.target_file_size.description ?? ''),
  min_files: z
    .int()
    .min(2)
    .optional()
    .describe(compaction.min_files.description ?? ''),
});
