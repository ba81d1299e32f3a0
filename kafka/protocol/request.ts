import { WireReader, WireWriter } from './wire.js';

/** A Kafka API as this client speaks it: a version window, and pure functions to and from bytes. */
export interface Api<Request, Response> {
  name: string;
  key: number;
  minVersion: number;
  maxVersion: number;
  /** First version with the compact encodings and tagged fields of KIP-482. */
  flexibleFrom: number;
  encode(request: Request, to: WireWriter, version: number): void;
  decode(from: WireReader, version: number): Response;
}

/** What a broker supports of each API, as ApiVersions answers. */
export type ApiVersions = Record<number, { minVersion: number; maxVersion: number } | undefined>;

/** The newest version of an API that both sides speak, at most `limit`; undefined if there is none. */
export function negotiate(
  api: Pick<Api<unknown, unknown>, 'key' | 'minVersion' | 'maxVersion'>,
  broker: ApiVersions,
  limit = Infinity,
): number | undefined {
  const offered = broker[api.key];
  if (offered === undefined) return undefined;
  const version = Math.min(api.maxVersion, offered.maxVersion, limit);
  return version >= Math.max(api.minVersion, offered.minVersion) ? version : undefined;
}

/**
 * The body of a request. A flexible request has header version 2: the one of version 1, which kafkajs writes, and
 * empty tagged fields after the client id, which is where this body starts.
 */
export function encodeRequest<Q>(api: Api<Q, unknown>, request: Q, version: number): Buffer {
  const flexible = version >= api.flexibleFrom;
  const writer = new WireWriter(flexible);
  writer.noTags();
  api.encode(request, writer, version);
  writer.noTags();
  return writer.finish();
}

/** The response of a body that follows the correlation id. */
export function decodeResponse<R>(api: Api<never, R>, payload: Buffer, version: number): R {
  const reader = new WireReader(payload, version >= api.flexibleFrom);
  reader.tags();
  return api.decode(reader, version);
}
