import type { Secret } from './secret.js';

/** How the machine at hand reaches its services and how hard it works. Never pinned, never in workflow history. */
export interface RuntimeConfig {
  temporal: TemporalRuntime;
  /** By the name of the cluster. */
  kafka: Record<string, KafkaRuntime>;
  catalog: CatalogRuntime;
  storage: StorageRuntime;
  /** Zone of tables without their own. */
  timezone: string;
  /** How long replaced directories stay. */
  graceMs: number;
  ingest: IngestRuntime;
  /** By topic name or `cluster/topic`; use `ingestOf`. */
  topics: Record<string, Partial<IngestRuntime>>;
  worker: WorkerRuntime;
  /** By table name. */
  tables: Record<string, TableRuntime>;
  /** Secrets that specs refer to, by reference (`BootstrapSpec.urlRef`). */
  secrets: Record<string, Secret>;
}

export interface TlsRuntime {
  caFile?: string;
  certFile?: string;
  keyFile?: string;
  serverName?: string;
}

export interface TemporalRuntime {
  address: string;
  namespace: string;
  taskQueue: string;
  /** Absent: no TLS. Empty: TLS by the system's authorities. */
  tls?: TlsRuntime;
  apiKey?: Secret;
  /** Address of the Web UI, without a slash at its end. */
  ui?: string;
}

export interface KafkaRuntime {
  name: string;
  brokers: string[];
  clientId: string;
  /** Absent: no TLS. Empty: TLS by the system's authorities. */
  tls?: TlsRuntime;
  sasl?: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: Secret };
  registry?: { url: string; username?: string; password?: Secret };
  connectionTimeoutMs: number;
  requestTimeoutMs: number;
}

export type CatalogRuntime =
  | {
      kind: 'hive';
      host: string;
      port: number;
      auth: 'nosasl' | 'plain';
      user: string;
      password?: Secret;
      database: string;
      settings: Record<string, string>;
      statementTimeoutMs: number;
    }
  | { kind: 'none' };

export type StorageRuntime =
  /** `urls`: one NameNode, or both of an HA pair. `fsUri`: prefix of LOCATIONs, without a slash at its end. */
  | { kind: 'webhdfs'; urls: string[]; user: string; root: string; fsUri?: string }
  /** `root` is absolute. */
  | { kind: 'file'; root: string };

export interface IngestRuntime {
  flushIntervalMs: number;
  flushMaxRecords: number;
  flushMaxBytes: number;
  /** Splits of one batch that are written at the same time. */
  parallelism: number;
  splitBytes: number;
}

export interface CompactionRuntime {
  targetFileBytes: number;
  minFiles: number;
}

export interface WorkerRuntime {
  /** `2GiB` or `50%`. */
  memory: string;
  /** Absent: the number of cores. */
  activities?: number;
  /** Absent: the system's temporary directory. */
  scratch?: string;
  /** `host:port` of the Prometheus endpoint. */
  metrics?: string;
  shutdownGraceMs: number;
}

export interface TableRuntime {
  compaction: CompactionRuntime;
}

/** Tuning of one topic: the general one with the topic's own values over it. */
export function ingestOf(runtime: RuntimeConfig, cluster: string, topic: string): IngestRuntime {
  return { ...runtime.ingest, ...runtime.topics[topic], ...runtime.topics[`${cluster}/${topic}`] };
}
