import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import type { ActivityContext } from '../activities/context.js';
import type { Logger } from '../common/log.js';
import type { CatalogRuntime, KafkaRuntime, RuntimeConfig, StorageRuntime } from '../config/runtime.js';
import type { ClusterOptions } from '../kafka/client.js';
import { createRangeReader } from '../kafka/range-reader.js';
import { SchemaRegistry } from '../kafka/schema-registry.js';
import type { RangeReader } from '../kafka/types.js';
import type { Catalog } from '../warehouse/catalog.js';
import { HiveCatalog } from '../warehouse/catalog-hive.js';
import { NoneCatalog } from '../warehouse/catalog-none.js';
import type { Storage } from '../warehouse/storage.js';
import { FileStorage } from '../warehouse/storage-file.js';
import { WebHdfsStorage } from '../warehouse/storage-webhdfs.js';
import { LiveConfig } from './live-config.js';

/**
 * Opens what activities need. Nothing is contacted yet: an outage at start is met like any other, by retrying.
 * @param readAgain reads the config's file once more, for what came into it after the start
 */
export function openContext(
  runtime: RuntimeConfig,
  log: Logger,
  stopping: AbortSignal,
  readAgain: () => RuntimeConfig,
): ActivityContext {
  const live = new LiveConfig(runtime, readAgain);
  const readers = new Map<string, RangeReader>();
  const registries = new Map<string, SchemaRegistry>();
  const storage = openStorage(runtime.storage);
  const catalog = openCatalog(runtime.catalog, storage);
  const slots = runtime.worker.activities ?? availableParallelism();
  return {
    taskQueue: runtime.temporal.taskQueue,
    reader: (name) => {
      const known = readers.get(name);
      if (known) return known;
      const reader = createRangeReader(clusterOptions(live.cluster(name), log));
      readers.set(name, reader);
      return reader;
    },
    schemas: (kafka, url) => {
      const known = registries.get(`${kafka} ${url}`) ?? openRegistry(live.cluster(kafka), url);
      registries.set(`${kafka} ${url}`, known);
      return (id) => known.schema(id);
    },
    storage,
    catalog,
    secret: (reference) => live.secret(reference).reveal(),
    scratch: runtime.worker.scratch ?? join(tmpdir(), 'tributary'),
    duckdb: {
      threads: Math.max(1, Math.floor(availableParallelism() / slots)),
      memoryLimitMb: Math.max(256, Math.floor(memoryBytes(runtime.worker.memory) / slots / (1 << 20))),
    },
    graceMs: runtime.graceMs,
    stopping,
    log,
    close: async () => {
      await Promise.all([...readers.values()].map((reader) => reader.close()));
      await catalog.close();
    },
  };
}

/** Options of a cluster for the readers, with secrets revealed. */
export function clusterOptions(cluster: KafkaRuntime, log?: Logger): ClusterOptions {
  const { tls, sasl } = cluster;
  const file = (path: string | undefined): Buffer | undefined =>
    path === undefined ? undefined : readFileSync(path);
  return {
    name: cluster.name,
    brokers: cluster.brokers,
    clientId: cluster.clientId,
    connectionTimeout: cluster.connectionTimeoutMs,
    requestTimeout: cluster.requestTimeoutMs,
    ...(tls && {
      ssl: {
        ca: file(tls.caFile),
        cert: file(tls.certFile),
        key: file(tls.keyFile),
        ...(tls.serverName !== undefined && { servername: tls.serverName }),
      },
    }),
    ...(sasl && {
      sasl: {
        mechanism: sasl.mechanism,
        username: sasl.username,
        password: sasl.password.reveal(),
      },
    }),
    ...(log && {
      log: (level, message, details) => log[level]({ cluster: cluster.name, ...details }, message),
    }),
  };
}

/** A registry's client; the cluster's credentials are for the cluster's own registry alone. */
function openRegistry(cluster: KafkaRuntime, url: string): SchemaRegistry {
  const own = cluster.registry?.url === url ? cluster.registry : undefined;
  return new SchemaRegistry({
    url,
    ...(own?.username !== undefined && { username: own.username }),
    ...(own?.password && { password: own.password.reveal() }),
  });
}

export function openStorage(storage: StorageRuntime): Storage {
  if (storage.kind === 'file') return new FileStorage(storage.root);
  return new WebHdfsStorage(storage);
}

export function openCatalog(catalog: CatalogRuntime, storage: Storage): Catalog {
  if (catalog.kind === 'none') return new NoneCatalog(storage);
  const { password, ...rest } = catalog;
  return new HiveCatalog({ ...rest, ...(password && { password: password.reveal() }) });
}

/** `2GiB` or `50%` of the machine. */
function memoryBytes(text: string): number {
  const share = /^(\d+)%$/.exec(text);
  if (share) return (totalmem() * Number(share[1])) / 100;
  const [, number, unit] = /^([\d.]+)(MB|GB|MiB|GiB)$/.exec(text) ?? [];
  const bytes = { MB: 1e6, GB: 1e9, MiB: 2 ** 20, GiB: 2 ** 30 }[unit as 'MB' | 'GB' | 'MiB' | 'GiB'];
  return Number(number) * bytes;
}
