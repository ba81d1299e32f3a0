import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parentOf } from '../../../warehouse/layout.js';

export interface FakeRequest {
  node: 'name' | 'data';
  op: string;
  path: string;
  parameters: URLSearchParams;
}

/**
 * What to do instead of answering properly: a RemoteException, a broken connection before or after the operation took effect, silence,
 * or any answer.
 */
export type Fault =
  | { exception: string; message?: string; status?: number }
  | { redirect: string }
  | 'break'
  | 'break afterwards'
  | 'half'
  | 'silence';

/**
 * A NameNode and DataNode in one, with files in memory, for the faults that a real HDFS does not show on demand: lost answers,
 * standby, odd servers.
 */
export class FakeHdfs {
  readonly files = new Map<string, Buffer>();
  readonly requests: FakeRequest[] = [];
  /** Bytes that came with requests to the NameNode; there must be none. */
  nameNodeBytes = 0;
  fault: (request: FakeRequest, n: number) => Fault | undefined = () => undefined;
  /** Behave as HttpFS: no LISTSTATUS_BATCH, booleans for RENAME, no redirect for OPEN. */
  httpFs = false;
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => void this.serve(request, response));
  }

  static async start(): Promise<FakeHdfs> {
    const fake = new FakeHdfs();
    await new Promise<void>((resolve) => fake.server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const node = url.pathname.startsWith('/data') ? 'data' : 'name';
    const path = decodeURIComponent(url.pathname.replace(/^(\/data)?\/webhdfs\/v1/, ''));
    const seen: FakeRequest = {
      node,
      path,
      op: url.searchParams.get('op') ?? '',
      parameters: url.searchParams,
    };
    const fault = this.fault(seen, this.requests.push(seen) - 1);
    if (fault === 'break') return void request.socket.destroy();
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    if (node === 'name') this.nameNodeBytes += body.length;
    if (fault === 'silence') return;
    if (typeof fault === 'object' && 'redirect' in fault) {
      return void response.writeHead(307, { Location: fault.redirect }).end();
    }
    if (typeof fault === 'object') return remote(response, fault.exception, fault.message, fault.status);
    if (fault === 'half') {
      response.writeHead(200, { 'Content-Length': 1000 });
      response.write('half');
      return void setTimeout(() => request.socket.destroy(), 20);
    }
    if (fault === 'break afterwards') {
      this.answer(seen, body, undefined);
      return void request.socket.destroy();
    }
    this.answer(seen, body, response);
  }

  private answer(
    { node, op, path, parameters }: FakeRequest,
    body: Buffer,
    response: ServerResponse | undefined,
  ): void {
    const json = (value: unknown): void => void response?.writeHead(200).end(JSON.stringify(value));
    const absent = (): void => response && remote(response, 'FileNotFoundException', `${path} is not there`);
    const file = this.files.get(path);
    switch (op) {
      case 'CREATE':
      case 'OPEN':
        if (op === 'OPEN' && file === undefined) return absent();
        if (node === 'name' && !(this.httpFs && op === 'OPEN')) {
          const location = `${this.url}/data/webhdfs/v1${encodeURI(path)}?op=${op}`;
          return void response?.writeHead(307, { Location: location }).end();
        }
        if (op === 'OPEN') return void response?.writeHead(200).end(file);
        this.files.set(path, body);
        return void response?.writeHead(201).end();
      case 'RENAME': {
        const to = parameters.get('destination') ?? '';
        const replace = parameters.get('renameoptions') === 'OVERWRITE';
        const taken = this.files.has(to) && (!replace || this.httpFs);
        if (file === undefined || taken) {
          if (this.httpFs) return json({ boolean: false });
          return file === undefined
            ? absent()
            : response && remote(response, 'FileAlreadyExistsException', to);
        }
        this.files.set(to, file);
        this.files.delete(path);
        return this.httpFs ? json({ boolean: true }) : void response?.writeHead(200).end();
      }
      case 'GETFILESTATUS':
        return file === undefined ? absent() : json({ FileStatus: status('', file) });
      case 'LISTSTATUS_BATCH':
      case 'LISTSTATUS': {
        if (this.httpFs && op === 'LISTSTATUS_BATCH') {
          return (
            response &&
            remote(response, 'IllegalArgumentException', 'Invalid value for webhdfs parameter "op"', 400)
          );
        }
        const below = [...this.files].filter(([name]) => parentOf(name) === path);
        const listing = {
          FileStatuses: {
            FileStatus: below.map(([name, content]) => status(name.slice(path.length + 1), content)),
          },
        };
        return json(
          op === 'LISTSTATUS'
            ? listing
            : { DirectoryListing: { partialListing: listing, remainingEntries: 0 } },
        );
      }
      case 'DELETE':
        return json({ boolean: this.files.delete(path) });
      default:
        return json({ boolean: true });
    }
  }
}

function status(pathSuffix: string, content: Buffer): object {
  return { pathSuffix, length: content.length, type: 'FILE', modificationTime: 0 };
}

function remote(response: ServerResponse, exception: string, message = exception, code?: number): void {
  const byName = exception === 'FileNotFoundException' ? 404 : 403;
  const body = { RemoteException: { exception, javaClassName: `x.${exception}`, message } };
  response.writeHead(code ?? byName, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
