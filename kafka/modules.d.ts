declare module 'snappyjs' {
  /** Throws on garbage, and if the length that the stream announces is above `maxLength`. */
  export function uncompress(compressed: Buffer, maxLength?: number): Buffer;
  export function compress(uncompressed: Buffer): Buffer;
}

/**
 * The parts of kafkajs 2.2.4 that are not public, as this room uses them. The package has no `exports` map, and is
 * frozen, so they stay where they are; kafka/connections.ts is the only file that imports them.
 */
declare module 'kafkajs/src/broker/index.js' {
  export interface RawRequest<T> {
    request: {
      apiKey: number;
      apiVersion: number;
      apiName: string;
      /** Has what kafkajs' Encoder has and is asked for. */
      encode(): Promise<{ buf: Buffer; buffer: Buffer }>;
    };
    response: {
      /** The payload starts after the correlation id. A throttle time makes kafkajs hold back later requests. */
      decode(payload: Buffer): Promise<{ clientSideThrottleTime: number; value: T }>;
      parse(decoded: { value: T }): Promise<T>;
    };
    requestTimeout?: number;
    logResponseError?: boolean;
  }

  export interface Connection {
    /** Received and not yet taken for a response. */
    chunks: Buffer[];
    bytesBuffered: number;
    isConnected(): boolean;
    isAuthenticated(): boolean;
    authenticate(): Promise<void>;
    disconnect(): Promise<boolean>;
    rejectRequests(error: Error): void;
  }

  export interface ConnectionPool {
    /** Two connections: one for Fetch, one for all else. */
    pool: Connection[];
    getConnection(index: number): Promise<Connection>;
    send<T>(request: RawRequest<T>): Promise<T>;
  }

  export default class Broker {
    constructor(options: {
      connectionPool: ConnectionPool;
      logger: unknown;
      authenticationTimeout: number;
      allowAutoTopicCreation: boolean;
    });
    versions: Record<number, { minVersion: number; maxVersion: number } | undefined> | null;
    connectionPool: ConnectionPool;
    connect(): Promise<void>;
    disconnect(): Promise<void>;
  }
}

declare module 'kafkajs/src/cluster/connectionPoolBuilder.js' {
  import type { ConnectionPool } from 'kafkajs/src/broker/index.js';

  export default function connectionPoolBuilder(options: {
    brokers: string[];
    clientId: string;
    ssl: unknown;
    sasl: unknown;
    connectionTimeout: number;
    requestTimeout: number;
    enforceRequestTimeout: boolean;
    maxInFlightRequests: number | null;
    reauthenticationThreshold: number;
    logger: unknown;
    socketFactory: unknown;
  }): { build(destination: { host: string; port: number }): Promise<ConnectionPool> };
}
