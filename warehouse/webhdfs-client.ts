import type { IncomingMessage } from 'node:http';
import { errorMessage } from '../common/errors.js';
import { Backoff } from './backoff.js';
import { bodyOf, HttpConnections, isNetworkError, type HttpBody } from './http-request.js';
import { errnoOf, storageError } from './storage-errors.js';
import { toStorageError, verdictOf, WebHdfsError, type RemoteFault, type Verdict } from './webhdfs-errors.js';

export interface WebHdfsClientOptions {
  /** NameNodes, or one HttpFS. */
  urls: string[];
  user: string;
  /** Longest silence of a connection. Default 30 s. */
  idleTimeoutMs?: number;
  /** How long one call is tried again before it fails as StorageUnavailable. Default 30 s. */
  retryForMs?: number;
}

export interface Call {
  method: 'GET' | 'PUT' | 'DELETE';
  op: string;
  /** Absolute path in HDFS. */
  path: string;
  parameters?: Record<string, string>;
  /** What is being done, for messages: `Cannot <action> <path>`. */
  action: string;
  signal?: AbortSignal;
}

export interface FileStatus {
  pathSuffix: string;
  length: number;
  type: 'FILE' | 'DIRECTORY' | 'SYMLINK';
  modificationTime: number;
}

interface Listing {
  FileStatuses: { FileStatus: FileStatus[] };
}

interface BatchedListing {
  DirectoryListing: { partialListing: Listing; remainingEntries: number };
}

/** The answer to a metadata call; `repeated` tells that an earlier try may have taken effect unheard. */
export interface Answer {
  json: unknown;
  repeated: boolean;
}

/**
 * WebHDFS's REST calls: finds the active NameNode, waits out safe mode, repeats what broke, for a bounded time.
 * Raises WebHdfsError for answers that are final, and TributaryError StorageUnavailable.
 */
export class WebHdfsClient {
  private readonly connections = new HttpConnections();
  private readonly idleTimeoutMs: number;
  private readonly retryForMs: number;
  private active = 0;
  private batchedLists = true;

  constructor(private readonly options: WebHdfsClientOptions) {
    this.idleTimeoutMs = options.idleTimeoutMs ?? 30_000;
    this.retryForMs = options.retryForMs ?? 30_000;
  }

  /** A metadata operation of the NameNode. */
  async call(call: Call): Promise<Answer> {
    return this.retrying(call, async (repeated) => {
      const answer = await this.ask(call);
      const body = await this.checked(answer);
      return { json: body.length === 0 ? undefined : parseJson(body, answer), repeated };
    });
  }

  /** Hands the bytes of a file to `consume`, again from the start if the connection breaks. */
  async open<T>(
    call: Omit<Call, 'method' | 'op'>,
    consume: (body: IncomingMessage) => Promise<T>,
  ): Promise<T> {
    return this.retrying({ ...call, method: 'GET', op: 'OPEN' }, async (_, excluded) => {
      const head = await this.ask({ ...call, method: 'GET', op: 'OPEN' }, excluded);
      const location = await this.redirect(head);
      // HttpFS answers with the bytes at once.
      if (location === undefined && head.statusCode === 200) return consume(head);
      if (location === undefined) throw await this.faultOf(head);
      const data = await this.toDataNode(excluded, location, 'GET', undefined, call.signal);
      if (data.statusCode !== 200) throw await this.faultOf(data);
      return consume(data);
    });
  }

  /**
   * Writes a file. The body goes to the DataNode only. `body` and `nextPath` are asked anew for every try: a new try under the
   * same name would meet the lease of the old one.
   */
  async create(
    call: Omit<Call, 'method' | 'op'>,
    nextPath: () => string,
    body: () => HttpBody | Promise<HttpBody>,
  ): Promise<void> {
    const create: Call = { ...call, method: 'PUT', op: 'CREATE', parameters: { overwrite: 'true' } };
    return this.retrying(create, async (_, excluded) => {
      const head = await this.ask({ ...create, path: nextPath() }, excluded);
      const location = await this.redirect(head);
      if (location === undefined) throw await this.faultOf(head);
      const answer = await this.toDataNode(excluded, location, 'PUT', await body(), call.signal);
      await this.checked(answer);
    });
  }

  /** Children of a directory as the NameNode tells them; for a file, itself with an empty `pathSuffix`. */
  async list(call: Omit<Call, 'method' | 'op'>): Promise<FileStatus[]> {
    const found: FileStatus[] = [];
    while (this.batchedLists) {
      const startAfter = found.at(-1)?.pathSuffix;
      try {
        const { json } = await this.call({
          ...{ ...call, method: 'GET', op: 'LISTSTATUS_BATCH' },
          ...(startAfter === undefined ? {} : { parameters: { startAfter } }),
        });
        const { partialListing, remainingEntries } = (json as BatchedListing).DirectoryListing;
        found.push(...partialListing.FileStatuses.FileStatus);
        if (remainingEntries === 0) return found;
      } catch (error) {
        // Servers older than Hadoop 2.10 do not know the operation.
        if (!(error instanceof WebHdfsError) || error.fault.exception !== 'IllegalArgumentException')
          throw error;
        this.batchedLists = false;
      }
    }
    const { json } = await this.call({ ...call, method: 'GET', op: 'LISTSTATUS' });
    return (json as Listing).FileStatuses.FileStatus;
  }

  close(): void {
    this.connections.close();
  }

  private ask(call: Call, excluded?: Set<string>): Promise<IncomingMessage> {
    const base = this.options.urls[this.active % this.options.urls.length] ?? '';
    const url = new URL(`${base.replace(/\/+$/, '')}/webhdfs/v1${encodePath(call.path)}`);
    url.searchParams.set('op', call.op);
    url.searchParams.set('user.name', this.options.user);
    for (const [name, value] of Object.entries(call.parameters ?? {})) url.searchParams.set(name, value);
    if (excluded !== undefined && excluded.size > 0) {
      url.searchParams.set('excludedatanodes', [...excluded].join(','));
    }
    return this.connections.send({
      ...{ method: call.method, url, idleTimeoutMs: this.idleTimeoutMs },
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
  }

  private async toDataNode(
    excluded: Set<string>,
    url: URL,
    method: 'GET' | 'PUT',
    body: HttpBody | undefined,
    signal: AbortSignal | undefined,
  ): Promise<IncomingMessage> {
    try {
      return await this.connections.send({
        ...{ method, url, idleTimeoutMs: this.idleTimeoutMs },
        ...(body === undefined ? {} : { body }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      // The NameNode takes minutes to see that a DataNode died; until then it is told to leave that one out.
      if (!isNetworkError(error)) throw error;
      excluded.add(url.host);
      throw new DataNodeError(url.host, error);
    }
  }

  private async redirect(head: IncomingMessage): Promise<URL | undefined> {
    const { statusCode = 0 } = head;
    if (statusCode !== 307 && statusCode !== 302 && statusCode !== 303) return undefined;
    await bodyOf(head);
    return head.headers.location === undefined ? undefined : new URL(head.headers.location);
  }

  private async checked(answer: IncomingMessage): Promise<Buffer> {
    if (answer.statusCode !== 200 && answer.statusCode !== 201) throw await this.faultOf(answer);
    return bodyOf(answer);
  }

  private async faultOf(answer: IncomingMessage): Promise<WebHdfsError> {
    const text = (await bodyOf(answer)).toString('utf8');
    const status = answer.statusCode ?? 0;
    let remote: { exception?: unknown; message?: unknown } = {};
    try {
      remote = (JSON.parse(text) as { RemoteException?: object }).RemoteException ?? {};
    } catch {
      // A proxy's page or an empty answer: the status must do.
    }
    return new WebHdfsError({
      status,
      exception: typeof remote.exception === 'string' ? remote.exception : '',
      message: typeof remote.message === 'string' ? remote.message : text.slice(0, 300),
    });
  }

  private async retrying<T>(
    call: Call,
    once: (repeated: boolean, excluded: Set<string>) => Promise<T>,
  ): Promise<T> {
    const backoff = new Backoff(this.retryForMs);
    const excluded = new Set<string>();
    let standbys = 0;
    for (let repeated = false; ;) {
      call.signal?.throwIfAborted();
      const asked = this.active;
      try {
        return await once(repeated, excluded);
      } catch (error) {
        call.signal?.throwIfAborted();
        const fault = error instanceof WebHdfsError ? error.fault : undefined;
        let verdict: Verdict = isNetworkError(error) ? 'again' : 'final';
        if (fault !== undefined) verdict = verdictOf(fault);
        // With the dead DataNodes left out none is left: the next try begins with all of them.
        if (fault !== undefined && excluded.size > 0 && /datanode|excluded/i.test(fault.message)) {
          excluded.clear();
          verdict = 'again';
        }
        if (error instanceof WebHdfsError) error.repeated = repeated;
        if (verdict === 'final') throw error;
        const broken = fault === undefined && !(error instanceof DataNodeError);
        repeated ||= broken || fault?.exception === '';
        if (verdict === 'standby' || broken) this.failOver(asked);
        // The other NameNode is asked at once, and only a full round of refusals waits.
        if (verdict === 'standby' && ++standbys % this.options.urls.length !== 0) continue;
        if (!(await backoff.wait(call.signal))) throw this.gaveUp(error, fault, call);
      }
    }
  }

  private failOver(asked: number): void {
    if (this.active === asked) this.active = (this.active + 1) % this.options.urls.length;
  }

  private gaveUp(error: unknown, fault: RemoteFault | undefined, call: Call): Error {
    if (fault !== undefined) return toStorageError(fault, call.action, call.path);
    const hint =
      errnoOf(error) === 'ENOTFOUND'
        ? ' (a name that is not known here; DataNodes must be reachable from the workers by the names they register with)'
        : '';
    const detail = `${errorMessage(error)}${hint}, asked ${this.options.urls.join(', ')} (warehouse.storage.url)`;
    return storageError('StorageUnavailable', call.action, call.path, detail, error);
  }
}

/** Every segment of a path percent-encoded, the slashes between them kept. */
export function encodePath(path: string): string {
  return path
    .split('/')
    .map((segment) => encodeURIComponent(segment))
    .join('/');
}

/** A connection to a DataNode that could not be made or broke; the NameNode is not to blame. */
class DataNodeError extends Error {
  readonly code: string;

  constructor(host: string, cause: unknown) {
    super(`DataNode ${host}: ${errorMessage(cause)}`, { cause });
    this.code = errnoOf(cause) ?? '';
  }
}

function parseJson(body: Buffer, answer: IncomingMessage): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new WebHdfsError({
      status: answer.statusCode ?? 0,
      exception: '',
      message: `not an answer of WebHDFS: ${body.toString('utf8').slice(0, 200)}`,
    });
  }
}
