import { resolve } from 'node:path';
import type { LoadedConfig } from './load.js';
import { bootstrapUrlRef } from './resolve.js';
import type {
  CatalogRuntime,
  CompactionRuntime,
  IngestRuntime,
  KafkaRuntime,
  RuntimeConfig,
  StorageRuntime,
  TlsRuntime,
} from './runtime.js';
import type { Config, KafkaClusterConfig, TableConfig } from './schema.js';

/** Everything that is not pinned: connections, secrets and tuning of the machine at hand. */
export function resolveRuntime(loaded: LoadedConfig): RuntimeConfig {
  const { config, directory } = loaded;
  const { temporal, warehouse, worker, tables } = config;
  return {
    temporal: {
      address: temporal.address,
      namespace: temporal.namespace,
      taskQueue: temporal.task_queue,
      ...optional('tls', resolveTls(temporal.tls)),
      ...optional('apiKey', temporal.api_key),
      ...optional('ui', temporal.ui),
    },
    kafka: Object.fromEntries(
      Object.entries(config.kafka).map(([name, cluster]) => [name, resolveKafka(name, cluster)]),
    ),
    catalog: resolveCatalog(warehouse.catalog),
    storage: resolveStorage(warehouse.storage, directory),
    timezone: warehouse.timezone,
    graceMs: warehouse.grace,
    ingest: resolveIngest(config.ingest) as IngestRuntime,
    topics: Object.fromEntries(
      Object.entries(config.ingest.topics).map(([topic, tuning]) => [topic, resolveIngest(tuning)]),
    ),
    worker: {
      memory: worker.memory,
      ...optional('activities', worker.activities),
      ...optional('scratch', worker.scratch && resolve(directory, worker.scratch)),
      ...optional('metrics', worker.metrics),
      shutdownGraceMs: worker.shutdown_grace,
    },
    tables: Object.fromEntries(
      tables.map((table) => [table.name, { compaction: resolveCompaction(table, config) }]),
    ),
    secrets: Object.fromEntries(
      tables.flatMap(({ name, bootstrap }) => (bootstrap ? [[bootstrapUrlRef(name), bootstrap.url]] : [])),
    ),
  };
}

/** A member that is left out where there is no value, which JSON and equality then agree on. */
function optional<K extends string, V>(name: K, value: V | undefined): { [name in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { [name in K]?: V };
}

function resolveTls(tls: Config['temporal']['tls']): TlsRuntime | undefined {
  if (tls === false) return undefined;
  if (tls === true) return {};
  return {
    ...optional('caFile', tls.ca_file),
    ...optional('certFile', tls.cert_file),
    ...optional('keyFile', tls.key_file),
    ...optional('serverName', tls.server_name),
  };
}

function resolveKafka(name: string, cluster: KafkaClusterConfig): KafkaRuntime {
  return {
    name,
    brokers: cluster.brokers,
    clientId: cluster.client_id,
    ...optional('tls', resolveTls(cluster.ssl)),
    ...optional('sasl', cluster.sasl),
    ...optional('registry', cluster.registry),
    connectionTimeoutMs: cluster.connection_timeout,
    requestTimeoutMs: cluster.request_timeout,
  };
}

function resolveCatalog(catalog: Config['warehouse']['catalog']): CatalogRuntime {
  if (catalog.kind === 'none') return { kind: 'none' };
  return {
    kind: 'hive',
    host: catalog.host,
    port: catalog.port,
    auth: catalog.auth,
    user: catalog.user,
    ...optional('password', catalog.password),
    database: catalog.database,
    settings: Object.fromEntries(
      Object.entries(catalog.settings).map(([name, value]) => [name, String(value)]),
    ),
    statementTimeoutMs: catalog.statement_timeout,
  };
}

function resolveStorage(storage: Config['warehouse']['storage'], directory: string): StorageRuntime {
  if (storage.kind === 'file') return { kind: 'file', root: resolve(directory, storage.root) };
  return {
    kind: 'webhdfs',
    urls: [storage.url].flat(),
    user: storage.user,
    root: storage.root,
    ...optional('fsUri', storage.fs_uri),
  };
}

function resolveIngest(
  tuning: Config['ingest'] | Config['ingest']['topics'][string],
): Partial<IngestRuntime> {
  return {
    ...optional('flushIntervalMs', tuning.flush?.interval),
    ...optional('flushMaxRecords', tuning.flush?.max_records),
    ...optional('flushMaxBytes', tuning.flush?.max_bytes),
    ...optional('parallelism', tuning.parallelism),
    ...optional('splitBytes', tuning.split_size),
  };
}

function resolveCompaction(table: TableConfig, config: Config): CompactionRuntime {
  return {
    targetFileBytes: table.compaction?.target_file_size ?? config.compaction.target_file_size,
    minFiles: table.compaction?.min_files ?? config.compaction.min_files,
  };
}
