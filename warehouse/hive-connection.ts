import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { auth, connections, HiveClient, thrift } from 'hive-driver';
import { fromDriver, HiveConnectionError, HiveStatementError } from './hive-errors.js';
import { rowsOf, uniqueNames, type HiveRow, type ThriftColumns } from './hive-rows.js';

export interface HiveConnectionOptions {
  host: string;
  port: number;
  auth: 'nosasl' | 'plain';
  user: string;
  password?: string;
  /** Settings of the session. */
  settings: Record<string, string>;
  /** Longest silence of a call; compiling a statement is one call. Default 2 minutes. */
  callTimeoutMs?: number;
}

export interface RunOptions {
  signal?: AbortSignal;
  onProgress?: () => void;
  /** Longest time for the statement. */
  timeoutMs: number;
  /** Statement that must have run in the session before, e.g. USE; run once a session. */
  prepare?: string;
}

type Session = Awaited<ReturnType<HiveClient['openSession']>>;
type Operation = Awaited<ReturnType<Session['executeStatement']>>;
type Provider = Parameters<HiveClient['connect']>[1];
type Authentication = Parameters<HiveClient['connect']>[2];

/** The generated thrift code has no types. */
const service = thrift.TCLIService as object;
const types = thrift.TCLIService_types as ConstructorParameters<typeof HiveClient>[1];
const STATES = types.TOperationState as Record<string, number>;
const PROTOCOLS = types.TProtocolVersion as Record<string, number>;
const RUNNING = ['INITIALIZED_STATE', 'RUNNING_STATE', 'PENDING_STATE'];

const CONNECT_MS = 15_000;
const CLOSE_MS = 10_000;
const PROGRESS_MS = 5_000;
const FIRST_POLL_MS = 20;
const LAST_POLL_MS = 1_000;
const FETCH_ROWS = 5_000;
const KEEP_ALIVE_MS = 30_000;
/** The driver's own number; Thrift's is another. */
const FETCH_NEXT = 1;

/**
 * One connection with one session, for one statement at a time. Every call has a deadline; after any fault of the connection it is
 * `broken` and must be thrown away: the driver never settles what was under way.
 */
export class HiveConnection {
  broken = false;
  private readonly callTimeoutMs: number;
  private prepared: string | undefined;
  private session: Session | undefined;
  private socket: Socket | undefined;
  private lose: (error: Error) => void = () => undefined;
  private readonly lost: Promise<never>;

  private constructor(private readonly options: HiveConnectionOptions) {
    this.callTimeoutMs = options.callTimeoutMs ?? 120_000;
    this.lost = new Promise((_, reject) => {
      this.lose = reject;
    });
    this.lost.catch(() => undefined);
  }

  static async open(options: HiveConnectionOptions): Promise<HiveConnection> {
    const connection = new HiveConnection(options);
    await connection.connect();
    return connection;
  }

  /** Runs a statement to its end; answers its rows, none for one without a result. */
  async run(sql: string, options: RunOptions): Promise<HiveRow[]> {
    if (options.prepare !== undefined && options.prepare !== this.prepared) {
      await this.runOne(options.prepare, options);
      this.prepared = options.prepare;
    }
    return this.runOne(sql, options);
  }

  private async runOne(sql: string, options: RunOptions): Promise<HiveRow[]> {
    const session = this.session;
    if (session === undefined) throw new HiveConnectionError('not connected');
    options.signal?.throwIfAborted();
    const progress = options.onProgress && setInterval(options.onProgress, PROGRESS_MS);
    let operation: Operation | undefined;
    try {
      operation = await this.call(
        () => session.executeStatement(sql, { runAsync: true }),
        this.callTimeoutMs,
      );
      await this.waitFor(operation, options);
      return await this.fetch(operation);
    } finally {
      clearInterval(progress);
      if (operation !== undefined) await this.closeOperation(operation);
    }
  }

  /** Ends session and connection; never raises. */
  async close(): Promise<void> {
    const session = this.session;
    if (session !== undefined && !this.broken) {
      await this.call(() => session.close(), CLOSE_MS).catch(() => undefined);
    }
    this.drop(new HiveConnectionError('closed'));
  }

  private async connect(): Promise<void> {
    const { host, port, user, password, settings } = this.options;
    const client = new HiveClient(service, types);
    // An 'error' event without a listener would end the process.
    client.on('error', (error: unknown) => this.drop(fromDriver(error)));
    client.on('close', () => this.drop(new HiveConnectionError('the connection was closed')));
    try {
      await this.call(
        () => client.connect({ host, port }, this.provider(), this.authentication()),
        CONNECT_MS,
      );
      this.session = await this.call(
        () =>
          client.openSession({
            client_protocol: PROTOCOLS.HIVE_CLI_SERVICE_PROTOCOL_V10 ?? 9,
            username: user,
            ...(password === undefined ? {} : { password }),
            configuration: Object.fromEntries(
              Object.entries(settings).map(([name, value]) => [`set:hiveconf:${name}`, value]),
            ),
          }),
        this.callTimeoutMs,
      );
    } catch (error) {
      this.drop(new HiveConnectionError('could not be opened', error));
      throw error;
    }
  }

  /** The driver's TCP connection, with its socket kept alive: load balancers cut idle ones without a word. */
  private provider(): Provider {
    const tcp = new connections.TcpConnection();
    return {
      connect: async (options, authentication) => {
        const connection = await tcp.connect(options, authentication);
        const { connection: socket } = connection.getConnection() as { connection: Socket };
        socket.setKeepAlive(true, KEEP_ALIVE_MS);
        return connection;
      },
    };
  }

  private authentication(): Authentication {
    const { user, password } = this.options;
    const inner =
      this.options.auth === 'plain'
        ? new auth.PlainTcpAuthentication({ username: user, password: password ?? '' })
        : new auth.NoSaslAuthentication();
    return {
      authenticate: (transport) => {
        const answered = inner.authenticate(transport);
        this.socket = transport.getTransport() as Socket;
        this.socket.on('error', (error) => this.drop(fromDriver(error)));
        this.socket.on('close', () => this.drop(new HiveConnectionError('the connection was closed')));
        return answered;
      },
    };
  }

  private async waitFor(operation: Operation, { signal, timeoutMs }: RunOptions): Promise<void> {
    const end = Date.now() + timeoutMs;
    for (let pause = FIRST_POLL_MS; ; pause = Math.min(LAST_POLL_MS, pause * 2)) {
      const status = await this.unlessAborted(
        this.call(() => operation.status(false), this.callTimeoutMs),
        signal,
        operation,
      );
      const state = stateName(status.operationState);
      if (state === 'FINISHED_STATE') return;
      if (!RUNNING.includes(state)) throw stateError(state, status);
      if (Date.now() >= end) {
        await this.cancel(operation);
        throw new HiveConnectionError(`the statement ran longer than ${timeoutMs} ms and was cancelled`);
      }
      await this.unlessAborted(sleep(Math.min(pause, Math.max(1, end - Date.now()))), signal, operation);
    }
  }

  private async fetch(operation: Operation): Promise<HiveRow[]> {
    operation.setMaxRows(FETCH_ROWS);
    const rows: HiveRow[] = [];
    for (;;) {
      await this.call(() => operation.fetch(FETCH_NEXT), this.callTimeoutMs);
      const schema = operation.getSchema();
      if (schema === null) return rows;
      const sorted = [...schema.columns].sort((a, b) => a.position - b.position);
      const names = uniqueNames(sorted.map((column) => column.columnName));
      const page = operation.getData().flatMap((set) => rowsOf(names, (set.columns ?? []) as ThriftColumns));
      operation.flush();
      if (page.length === 0) return rows;
      rows.push(...page);
    }
  }

  private async unlessAborted<T>(
    work: Promise<T>,
    signal: AbortSignal | undefined,
    operation: Operation,
  ): Promise<T> {
    if (signal === undefined) return work;
    let stop: () => void = () => undefined;
    const aborted = new Promise<never>((_, reject) => {
      stop = () => reject(signal.reason as Error);
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([work, aborted]);
    } catch (error) {
      work.catch(() => undefined);
      if (signal.aborted) await this.cancel(operation);
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  private async cancel(operation: Operation): Promise<void> {
    await this.call(() => operation.cancel(), CLOSE_MS).catch(() => undefined);
  }

  private async closeOperation(operation: Operation): Promise<void> {
    if (this.broken) return;
    await this.call(() => operation.close(), CLOSE_MS).catch(() => undefined);
  }

  /** One call of the driver, which may never answer by itself. */
  private async call<T>(work: () => Promise<T>, timeoutMs: number): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new HiveConnectionError(`no answer within ${timeoutMs} ms`)),
        timeoutMs,
      );
    });
    try {
      return await Promise.race([work(), this.lost, late]);
    } catch (thrown) {
      const error =
        thrown instanceof HiveConnectionError || thrown instanceof HiveStatementError
          ? thrown
          : fromDriver(thrown);
      if (error instanceof HiveConnectionError) this.drop(error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private drop(error: Error): void {
    this.broken = true;
    this.lose(error);
    this.socket?.destroy();
  }
}

function stateName(state: number | undefined): string {
  return Object.entries(STATES).find(([, value]) => value === state)?.[0] ?? 'no state';
}

function stateError(state: string, status: { errorMessage?: string; errorCode?: number }): Error {
  return new HiveStatementError({
    message: status.errorMessage || `the statement ended as ${state}`,
    code: status.errorCode ?? -1,
  });
}
