import type { Endpoints } from '../endpoints.js';
import type { StackPaths } from '../paths.js';
import type { PortName, Ports } from '../ports.js';
import type { Command } from '../proc/daemon.js';
import type { Report } from '../progress.js';

/** One process of the stack. HDFS is two units; every other service is one. */
export interface Unit {
  name: UnitName;
  service: ServiceName;
  /** Units that must answer before this one starts. */
  after: UnitName[];
  /** Ports it listens on; the first is the one that people know it by. */
  ports: [PortName, ...PortName[]];
  /** Brings the program into the cache and gives its path (a folder of jars, or a file). */
  fetch: (cache: string, report: Report) => Promise<string>;
  /** Writes configuration and makes data directories; runs before every start. */
  prepare: (context: UnitContext) => Promise<void>;
  command: (context: UnitContext) => Command;
  /** One attempt to use the service through its own protocol; rejects until it answers. */
  probe: (context: UnitContext) => Promise<void>;
  /** Runs once after each start that became ready. */
  afterReady?: (context: UnitContext) => Promise<void>;
  readyTimeoutMs: number;
  /** Time between SIGTERM and SIGKILL. */
  stopGraceMs: number;
}

/** What a unit's functions know about the stack that they work for. */
export interface UnitContext {
  program: string;
  paths: StackPaths;
  ports: Ports;
  endpoints: Endpoints;
  cache: string;
  report: Report;
}

export const SERVICES = ['temporal', 'kafka', 'hdfs', 'hive', 'tidb', 'mongo', 'mariadb', 'connect'] as const;
export type ServiceName = (typeof SERVICES)[number];
export type UnitName = Exclude<ServiceName, 'hdfs'> | 'namenode' | 'datanode';
