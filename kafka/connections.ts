import type { Kafka } from 'kafkajs';
import Broker from 'kafkajs/src/broker/index.js';
import connectionPoolBuilder from 'kafkajs/src/cluster/connectionPoolBuilder.js';
import type { BufferPool } from './buffer-pool.js';
import {
  createKafka,
  DEFAULT_CLIENT_ID,
  DEFAULT_CONNECTION_TIMEOUT_MS,
  DEFAULT_REQUEST_TIMEOUT_MS,
  type ClusterOptions,
} from './client.js';
import { framedSocket, type SocketRequest } from './framed-socket.js';
import type { BrokerAddress } from './protocol/metadata.js';
import { decodeResponse, encodeRequest, negotiate, type Api } from './protocol/request.js';

/** Re-login is left to a new connection: kafkajs' own would take responses under way for answers to it. */
const REAUTHENTICATE_BEFORE_MS = 10_000;
/** Longer than this, closing does not wait for a broker to hang up. */
const CLOSE_MS = 2_000;

interface Seed {
  host: string;
  port: number;
}

/** A connection to a broker, or one being opened. */
interface Line {
  opening: Promise<Broker>;
  broker?: Broker;
}

/**
 * Connections to the brokers of a cluster, opened when first asked for, each broker's by one caller at a time (kafkajs'
 * pool, asked twice at once, opens two sockets and loses one). kafkajs does sockets, TLS, SASL and ApiVersions; the
 * requests and responses are ours. A broken connection is thrown away whole, never mended.
 */
export class Connections {
  private readonly builder: ReturnType<typeof connectionPoolBuilder>;
  private readonly logger: ReturnType<Kafka['logger']>;
  private readonly seeds: Seed[];
  private readonly lines = new Map<string, Line>();
  private readonly withLogin: boolean;
  private addresses = new Map<number, Seed>();
  private turn = 0;
  private closed = false;

  constructor(options: ClusterOptions, pool: BufferPool) {
    this.logger = createKafka(options).logger();
    this.seeds = options.brokers.map(parseAddress);
    this.withLogin = options.sasl !== undefined;
    this.builder = connectionPoolBuilder({
      brokers: options.brokers,
      clientId: options.clientId ?? DEFAULT_CLIENT_ID,
      ssl: options.ssl,
      // A copy, because kafkajs keeps the authenticator that it makes inside.
      sasl: options.sasl === undefined ? undefined : { ...options.sasl },
      connectionTimeout: options.connectionTimeout ?? DEFAULT_CONNECTION_TIMEOUT_MS,
      requestTimeout: options.requestTimeout ?? DEFAULT_REQUEST_TIMEOUT_MS,
      enforceRequestTimeout: true,
      maxInFlightRequests: null,
      reauthenticationThreshold: REAUTHENTICATE_BEFORE_MS,
      logger: this.logger,
      socketFactory: (request: SocketRequest) => framedSocket(request, pool),
    });
  }

  /** Takes in the brokers' addresses as metadata tells them. */
  learn(brokers: readonly BrokerAddress[]): void {
    this.addresses = new Map(brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
  }

  /**
   * Sends a request to a node, or to any broker, and decodes its response. A failure of the connection closes it.
   * @param versionLimit the newest version that may be used
   */
  async send<Q, R extends { throttleMs: number }>(
    node: number | 'any',
    api: Api<Q, R>,
    request: Q,
    versionLimit = Infinity,
  ): Promise<R> {
    const address = this.addressOf(node);
    const broker = await this.connected(address);
    const version = negotiate(api, broker.versions ?? {}, versionLimit);
    if (version === undefined) {
      const error = new Error(`the broker at ${keyOf(address)} speaks no version of ${api.name} that we do`);
      error.name = 'KafkaJSServerDoesNotSupportApiKey';
      throw error;
    }
    try {
      return await exchange(broker, api, request, version);
    } catch (error) {
      if (isConnectionFailure(error)) this.discard(keyOf(address), broker);
      throw error;
    }
  }

  /** The newest version of an API that a node and we speak. */
  async version(node: number, api: Api<never, unknown>): Promise<number | undefined> {
    return negotiate(api, (await this.connected(this.addressOf(node))).versions ?? {});
  }

  /** Makes the next request to any broker go to another one. */
  rotate(): void {
    this.turn++;
  }

  /** Closes all connections; requests under way fail. */
  async close(): Promise<void> {
    this.closed = true;
    const lines = [...this.lines.values()];
    this.lines.clear();
    const brokers = await Promise.allSettled(lines.map(({ opening }) => opening));
    await Promise.all(
      brokers.flatMap((result) => (result.status === 'fulfilled' ? [hangUp(result.value)] : [])),
    );
  }

  private addressOf(node: number | 'any'): Seed {
    if (node === 'any') {
      const all = [...this.seeds, ...this.addresses.values()];
      return all[this.turn % all.length]!;
    }
    const address = this.addresses.get(node);
    if (address === undefined) throw new Error(`the address of broker ${node} is not known`);
    return address;
  }

  private async connected(address: Seed): Promise<Broker> {
    const key = keyOf(address);
    const known = this.lines.get(key);
    if (known !== undefined) {
      const broker = await known.opening;
      if (this.isHealthy(broker)) return broker;
      this.discard(key, broker);
    }
    // Whoever comes first after a loss opens the new connection; the others wait for it.
    return (this.lines.get(key) ?? this.open(key, address)).opening;
  }

  private isHealthy(broker: Broker): boolean {
    return broker.connectionPool.pool.every(
      (connection) => connection.isConnected() && (!this.withLogin || connection.isAuthenticated()),
    );
  }

  private open(key: string, address: Seed): Line {
    if (this.closed) throw new Error('the Kafka client is closed');
    const line: Line = { opening: this.connect(address) };
    this.lines.set(key, line);
    line.opening.then(
      (broker) => {
        line.broker = broker;
      },
      () => {
        if (this.lines.get(key) === line) this.lines.delete(key);
      },
    );
    return line;
  }

  private async connect(address: Seed): Promise<Broker> {
    const broker = new Broker({
      connectionPool: await this.builder.build(address),
      logger: this.logger,
      authenticationTimeout: DEFAULT_CONNECTION_TIMEOUT_MS,
      allowAutoTopicCreation: false,
    });
    try {
      await broker.connect();
      for (let index = 0; index < broker.connectionPool.pool.length; index++) {
        await (await broker.connectionPool.getConnection(index)).authenticate();
      }
    } catch (error) {
      void hangUp(broker);
      throw error;
    }
    return broker;
  }

  private discard(key: string, broker: Broker): void {
    if (this.lines.get(key)?.broker === broker) this.lines.delete(key);
    void hangUp(broker);
  }
}

async function exchange<Q, R extends { throttleMs: number }>(
  broker: Broker,
  api: Api<Q, R>,
  request: Q,
  version: number,
): Promise<R> {
  const body = encodeRequest(api, request, version);
  return broker.connectionPool.send<R>({
    request: {
      apiKey: api.key,
      apiVersion: version,
      apiName: api.name,
      encode: () => Promise.resolve({ buf: body, buffer: body }),
    },
    response: {
      // eslint-disable-next-line @typescript-eslint/require-await -- kafkajs expects a promise, also of a throw
      decode: async (payload) => {
        dropRemainders(broker);
        const value = decodeResponse(api, payload, version);
        return { clientSideThrottleTime: value.throttleMs, value };
      },
      parse: ({ value }) => Promise.resolve(value),
    },
    logResponseError: false,
  });
}

/**
 * After a response kafkajs keeps what is left of its buffer, though nothing is, and would then copy the next one to join
 * the two. With whole frames from the socket this makes responses pass without a copy.
 */
function dropRemainders(broker: Broker): void {
  for (const connection of broker.connectionPool.pool) {
    if (connection.bytesBuffered === 0) connection.chunks = [];
  }
}

/** kafkajs waits for the responses of open requests before it hangs up, so these are failed first. */
async function hangUp(broker: Broker): Promise<void> {
  const gone = new Error('the connection to the broker was closed');
  for (const connection of broker.connectionPool.pool) connection.rejectRequests(gone);
  const limit = AbortSignal.timeout(CLOSE_MS);
  await Promise.race([
    broker.disconnect().catch(() => undefined),
    new Promise<void>((resolve) => {
      limit.addEventListener('abort', () => resolve(), { once: true });
    }),
  ]);
}

function isConnectionFailure(error: unknown): boolean {
  return !(error instanceof Error) || error.name.startsWith('KafkaJS') || error instanceof RangeError;
}

function keyOf({ host, port }: Seed): string {
  return `${host}:${port}`;
}

function parseAddress(broker: string): Seed {
  const colon = broker.lastIndexOf(':');
  return { host: broker.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(broker.slice(colon + 1)) };
}
