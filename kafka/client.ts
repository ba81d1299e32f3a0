import type { ConnectionOptions } from 'node:tls';
import { Kafka, logLevel, type SASLOptions } from 'kafkajs';

export type KafkaLogLevel = 'error' | 'warn' | 'info' | 'debug';

/** Where log lines of the Kafka client go. */
export type KafkaLog = (level: KafkaLogLevel, message: string, details: Record<string, unknown>) => void;

/** How to reach one Kafka cluster. */
export interface ClusterOptions {
  /** What the config calls it; errors then name the config's key. */
  name?: string;
  /** `host:port` of some brokers; the others are found through them. */
  brokers: string[];
  clientId?: string;
  ssl?: boolean | ConnectionOptions;
  sasl?: SASLOptions;
  /** Milliseconds to connect in. Default 10 s. */
  connectionTimeout?: number;
  /** Milliseconds a broker may take to answer. Default 30 s. */
  requestTimeout?: number;
  log?: KafkaLog;
}

export const DEFAULT_CLIENT_ID = 'tributary';
export const DEFAULT_CONNECTION_TIMEOUT_MS = 10_000;
export const DEFAULT_REQUEST_TIMEOUT_MS = 30_000;

const LEVELS: Record<number, KafkaLogLevel> = {
  [logLevel.ERROR]: 'error',
  [logLevel.WARN]: 'warn',
  [logLevel.INFO]: 'info',
  [logLevel.DEBUG]: 'debug',
};

/** kafkajs for a cluster: admin calls, and the settings that raw connections share. */
export function createKafka(options: ClusterOptions): Kafka {
  const { log } = options;
  return new Kafka({
    brokers: options.brokers,
    clientId: options.clientId ?? DEFAULT_CLIENT_ID,
    ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
    ...(options.sasl === undefined ? {} : { sasl: options.sasl }),
    connectionTimeout: options.connectionTimeout ?? DEFAULT_CONNECTION_TIMEOUT_MS,
    requestTimeout: options.requestTimeout ?? DEFAULT_REQUEST_TIMEOUT_MS,
    logLevel: log === undefined ? logLevel.NOTHING : logLevel.INFO,
    logCreator:
      () =>
      ({ namespace, level, log: entry }) => {
        const { message, timestamp: _, ...details } = entry;
        log?.(LEVELS[level] ?? 'info', namespace === '' ? message : `${namespace}: ${message}`, details);
      },
  });
}
