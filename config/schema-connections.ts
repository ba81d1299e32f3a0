import { z } from 'zod';
import { duration, existingFile, hostPort, httpUrl, secret } from './schema-common.js';

const tls = z.strictObject({
  ca_file: existingFile()
    .optional()
    .describe('Certificate authority (PEM). Default: the ones that Node.js trusts.'),
  cert_file: existingFile().optional().describe('Client certificate (PEM), for mutual TLS.'),
  key_file: existingFile().optional().describe('Private key of the client certificate (PEM).'),
  server_name: z.string().min(1).optional().describe("Name to expect in the server's certificate."),
});

/** `temporal:` */
export const TemporalSchema = z.strictObject({
  address: hostPort().prefault('127.0.0.1:7233').describe('Temporal frontend, `host:port`.'),
  namespace: z.string().min(1).default('default').describe('Temporal namespace.'),
  task_queue: z
    .string()
    .min(1)
    .default('tributary')
    .describe('Task queue of the workers. Two installations in one namespace need two.'),
  tls: z
    .union([z.boolean(), tls])
    .default(false)
    .describe('`true` for TLS with the system authorities, or the files to use.'),
  api_key: secret().optional().describe('API key, for Temporal Cloud.'),
  ui: httpUrl()
    .optional()
    .describe('Address of the Temporal Web UI, for the links that `status` prints.')
    .meta({ examples: ['http://127.0.0.1:8233'] }),
});

const sasl = z.strictObject({
  mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).describe('SASL mechanism.'),
  username: z.string().min(1).describe('User name.'),
  password: secret().describe('Password.'),
});

const registry = z.strictObject({
  url: httpUrl()
    .describe('Address of the schema registry.')
    .meta({ examples: ['http://127.0.0.1:8081'] }),
  username: z.string().min(1).optional().describe('User name, for basic authentication.'),
  password: secret().optional().describe('Password, for basic authentication.'),
});

export const KafkaClusterSchema = z.strictObject({
  brokers: z
    .array(hostPort())
    .min(1)
    .describe('Bootstrap brokers, each `host:port`.')
    .meta({ examples: [['127.0.0.1:9092']] }),
  client_id: z.string().min(1).default('tributary').describe("Client id in the brokers' logs and quotas."),
  ssl: z
    .union([z.boolean(), tls])
    .default(false)
    .describe('`true` for TLS with the system authorities, or the files to use.'),
  sasl: sasl.optional().describe('SASL authentication.'),
  registry: registry.optional().describe('Schema registry of this cluster, for `debezium-avro`.'),
  connection_timeout: duration().prefault('10s').describe('How long a connection may take to open.'),
  request_timeout: duration().prefault('30s').describe('How long a request may wait for its answer.'),
});

/** `kafka:` */
export const KafkaSchema = z
  .record(
    z.string().regex(/^[a-zA-Z][a-zA-Z0-9_-]*$/, 'the name of a cluster has letters, digits, _ and -'),
    KafkaClusterSchema,
  )
  .refine((clusters) => Object.keys(clusters).length > 0, 'name at least one Kafka cluster')
  .describe('Kafka clusters by a name of your choice; `from.kafka` of a table refers to it.');

/** `worker:` */
export const WorkerSchema = z.strictObject({
  memory: z
    .string()
    .regex(/^(\d+%|\d+(\.\d+)?(MB|GB|MiB|GiB))$/, 'write a size such as 2GiB or a share such as 60%')
    .default('50%')
    .describe('Memory for DuckDB, over all activities of a worker: a size, or a share of the machine.'),
  activities: z
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe('Activities at a time. Default: the number of CPU cores.'),
  scratch: z
    .string()
    .min(1)
    .optional()
    .describe("Directory for what does not fit into memory. Default: the system's temporary directory."),
  metrics: hostPort()
    .optional()
    .describe('Where to serve Prometheus metrics. Default: not served.')
    .meta({ examples: ['0.0.0.0:9464'] }),
  shutdown_grace: duration().prefault('30s').describe('How long running activities may go on after SIGTERM.'),
});
