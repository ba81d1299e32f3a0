import {
  MongoClient,
  MongoServerError,
  Timestamp,
  type ClientSession,
  type Collection,
  type Document,
  type FindOptions,
} from 'mongodb';
import { errorMessage, TributaryError } from '../common/errors.js';
import { connectingTo, sourceError } from './errors.js';
import { judgeNode, nodeFacts, orderKeyOf, type NodePolicy, type OrderKey } from './mongo-node.js';
import { splitTableName } from './mysql-table.js';

export interface MongoOptions extends NodePolicy {
  url: string;
  connectTimeoutMs?: number;
  signal?: AbortSignal;
}

/** A connection to a MongoDB deployment for scans. */
export class MongoSession {
  private readonly onAbort = (): void => void this.client.close().catch(() => undefined);

  private constructor(
    private readonly client: MongoClient,
    private readonly options: MongoOptions,
    /** FerretDB speaks the protocol, but knows fewer types. */
    readonly limited: boolean,
  ) {
    options.signal?.addEventListener('abort', this.onAbort, { once: true });
  }

  static async open(options: MongoOptions): Promise<MongoSession> {
    options.signal?.throwIfAborted();
    const timeout = options.connectTimeoutMs ?? 20_000;
    let address = 'MongoDB';
    try {
      const client = new MongoClient(options.url, {
        readPreference: options.readPreference,
        directConnection: options.direct,
        serverSelectionTimeoutMS: timeout,
        connectTimeoutMS: timeout,
        maxPoolSize: 4,
        appName: 'tributary',
      });
      // The driver's own list of hosts: the URL holds the password too.
      address = client.options.srvHost ?? client.options.hosts.join(', ');
      await client.connect();
      const build = await client.db('admin').command({ buildInfo: 1 });
      return new MongoSession(client, options, 'ferretdb' in build || 'ferretdbVersion' in build);
    } catch (error) {
      throw mongoError(error, connectingTo(address));
    }
  }

  /**
   * Checks that the node may be scanned, and takes the order key.
   * @throws TributaryError SourceUnsuitable
   */
  async begin(nowMs = Date.now()): Promise<{ orderKey: OrderKey; warning: string | null }> {
    const facts = nodeFacts(
      await this.call('looking at the node', () =>
        // `hello` itself goes to the kind of node that the reads will go to.
        this.client.db('admin').command({ hello: 1 }, { readPreference: this.options.readPreference }),
      ),
    );
    return { warning: judgeNode(facts, this.options), orderKey: orderKeyOf(facts, nowMs) };
  }

  collection(name: string): Collection {
    const { database, table } = splitTableName(name);
    return this.client.db(database).collection(table);
  }

  /**
   * Documents of a query as raw BSON, in the order of `_id`.
   * @param applied the read waits until its node has applied the oplog up to here
   */
  async *find(
    name: string,
    filter: Document,
    applied: bigint | null,
    options: FindOptions,
    what: string,
  ): AsyncGenerator<Buffer> {
    const { signal } = this.options;
    signal?.throwIfAborted();
    const session = applied === null ? undefined : this.waitingSession(applied);
    const cursor = this.collection(name).find(filter, {
      sort: { _id: 1 },
      ...options,
      raw: true,
      ...(session && { session, readConcern: { level: 'majority' } }),
    });
    try {
      for await (const document of cursor) {
        signal?.throwIfAborted();
        yield document as unknown as Buffer;
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw mongoError(error, what);
    } finally {
      await cursor.close().catch(() => undefined);
      await session?.endSession();
    }
  }

  /** Names of a database's collections, without views. */
  async collectionNames(database: string): Promise<string[]> {
    const found = await this.call(`listing the collections of ${database}`, () =>
      this.client.db(database).listCollections({}, { nameOnly: true }).toArray(),
    );
    return found.flatMap(({ name, type }) => (type === 'view' ? [] : [name]));
  }

  async count(name: string): Promise<number> {
    return this.call(`counting ${name}`, () => this.collection(name).countDocuments({}));
  }

  async close(): Promise<void> {
    this.options.signal?.removeEventListener('abort', this.onAbort);
    await this.client.close();
  }

  private waitingSession(applied: bigint): ClientSession {
    const session = this.client.startSession({ causalConsistency: true });
    session.advanceOperationTime(
      new Timestamp({ t: Number(applied >> 32n), i: Number(applied & 0xffffffffn) }),
    );
    return session;
  }

  private async call<T>(what: string, work: () => Promise<T>): Promise<T> {
    this.options.signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      this.options.signal?.throwIfAborted();
      throw mongoError(error, what);
    }
  }
}

const DENIED = new Set([13, 18, 8000]);

/** A fault of the MongoDB driver as one of ours. */
export function mongoError(error: unknown, what: string): TributaryError {
  if (error instanceof TributaryError) return error;
  if (error instanceof MongoServerError) {
    const denied = typeof error.code === 'number' && DENIED.has(error.code);
    const passing =
      error.hasErrorLabel('RetryableReadError') || error.hasErrorLabel('TransientTransactionError');
    const kind = denied ? 'SourceDenied' : passing ? 'SourceUnavailable' : 'SourceRefused';
    const code = typeof error.code === 'number' ? error.code : null;
    return sourceError(
      kind,
      `MongoDB refused while ${what}: ${errorMessage(error)}`,
      { sourceCode: code },
      error,
    );
  }
  const name = error instanceof Error ? error.name : '';
  const passing = /Network|ServerSelection|NotConnected|TopologyClosed|PoolCleared|Timeout|Expired/.test(
    name,
  );
  // The driver's words about a URL that it cannot parse may repeat the URL, and its password.
  const words = name === 'MongoParseError' ? 'the URL of the source is not one' : errorMessage(error);
  return sourceError(
    passing ? 'SourceUnavailable' : 'SourceRefused',
    `MongoDB did not answer while ${what}: ${words}`,
    {},
    error,
  );
}
