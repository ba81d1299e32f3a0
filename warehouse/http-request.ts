import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errnoOf } from './storage-errors.js';

export interface HttpBody {
  /** Bytes of the body; absent: not known beforehand. */
  length?: number;
  data: Buffer | Readable;
}

export interface HttpRequest {
  method: 'GET' | 'PUT' | 'DELETE';
  url: URL;
  body?: HttpBody;
  signal?: AbortSignal;
  /** Longest silence on the connection. */
  idleTimeoutMs: number;
}

/** HTTP requests over kept-alive connections, each with a time-out and a signal. Redirects are not followed. */
export class HttpConnections {
  private readonly http = new HttpAgent({ keepAlive: true, keepAliveMsecs: 10_000, maxSockets: 64 });
  private readonly https = new HttpsAgent({ keepAlive: true, keepAliveMsecs: 10_000, maxSockets: 64 });

  /** Resolves with the answer's head; its body is still to be read. */
  send(request: HttpRequest): Promise<IncomingMessage> {
    const { method, url, body, signal, idleTimeoutMs } = request;
    const secure = url.protocol === 'https:';
    const headers: Record<string, string | number> = { Accept: 'application/json, */*' };
    if (body !== undefined || method === 'PUT') headers['Content-Type'] = 'application/octet-stream';
    if (body?.length !== undefined) headers['Content-Length'] = body.length;
    else if (body === undefined && method !== 'GET') headers['Content-Length'] = 0;
    const agent = secure ? this.https : this.http;
    const sent = (secure ? httpsRequest : httpRequest)(url, { method, headers, agent, signal });
    sent.setTimeout(idleTimeoutMs, () => sent.destroy(timedOut(url, idleTimeoutMs)));
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      sent.once('response', resolve);
      // Stays attached: a connection may break after the answer came, with the body still on its way.
      sent.on('error', reject);
    });
    if (body === undefined || Buffer.isBuffer(body.data)) sent.end(body?.data);
    // A fault of the body's source destroys the request with it, so it comes out of `answer`.
    else pipeline(body.data, sent).catch(() => undefined);
    return answer;
  }

  close(): void {
    this.http.destroy();
    this.https.destroy();
  }
}

/** The whole body of an answer. */
export async function bodyOf(answer: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_SOCKET_CONNECTION_TIMEOUT',
]);

/** Whether an error says that a connection could not be made or broke. */
export function isNetworkError(error: unknown): boolean {
  const code = errnoOf(error);
  return code !== undefined && (NETWORK.has(code) || code.startsWith('HPE_'));
}

function timedOut(url: URL, idleTimeoutMs: number): Error {
  const error = new Error(`${url.host} was silent for ${idleTimeoutMs} ms`);
  return Object.assign(error, { code: 'ETIMEDOUT' });
}
