import type { Logger } from '../common/log.js';
import type { RangeReader } from '../kafka/types.js';
import type { Catalog } from '../warehouse/catalog.js';
import type { Storage } from '../warehouse/storage.js';

/** The outside world as activities see it: one object a worker process, shared by all that it runs. */
export interface ActivityContext {
  /** Queue of the workflows, for those that an activity starts. */
  taskQueue: string;
  /** Reader of one of the config's clusters. @throws TributaryError ClusterUnknown */
  reader(kafka: string): RangeReader;
  /** Schemas of a registry that tables of a cluster name. */
  schemas(kafka: string, registry: string): (id: number) => Promise<string | undefined>;
  storage: Storage;
  catalog: Catalog;
  /** A secret that a spec refers to. It must go into no history, log or file. @throws TributaryError SecretMissing */
  secret(reference: string): string;
  /** Local directory for what an attempt writes before it uploads it. */
  scratch: string;
  /** Share of memory and cores that one heavy activity may use. */
  duckdb: { threads: number; memoryLimitMb: number };
  /** How long a replaced directory stays, ms. */
  graceMs: number;
  /** Fires when the process is told to stop: what only waits should end at once and let another worker wait. */
  stopping: AbortSignal;
  log: Logger;
  close(): Promise<void>;
}
