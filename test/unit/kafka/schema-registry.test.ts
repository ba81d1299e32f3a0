import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { SchemaRegistry } from '../../../kafka/schema-registry.js';

let server: Server | undefined;
afterEach(() => new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve())));

/** A registry that answers every request so, and counts them. */
async function registry(
  status: number,
  body: string,
  options: { username?: string; password?: string } = {},
) {
  const seen: { url: string; authorization: string | undefined }[] = [];
  server = createServer((request, response) => {
    seen.push({ url: request.url!, authorization: request.headers.authorization });
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    seen,
    client: new SchemaRegistry({ url: `http://127.0.0.1:${port}/apis/ccompat/v7/`, ...options }),
  };
}

describe('the schema registry', () => {
  it('is asked once for a schema, with the credentials', async () => {
    const { client, seen } = await registry(200, '{"schema":"\\"string\\""}', {
      username: 'u',
      password: 'p',
    });
    expect(await client.schema(7)).toBe('"string"');
    expect(await client.schema(7)).toBe('"string"');
    expect(seen).toEqual([{ url: '/apis/ccompat/v7/schemas/ids/7', authorization: 'Basic dTpw' }]);
  });

  it('may not know a schema', async () => {
    const { client } = await registry(404, '{"error_code":40403,"message":"Schema not found"}');
    expect(await client.schema(7)).toBeUndefined();
  });

  it.each([
    ['a 404 that is not its own: the address is wrong, no schema is missing', 404, '<html>nginx</html>'],
    [
      "a 404 of a registry's server for a path that is none of its API's",
      404,
      '{"error_code":404,"message":"RESTEASY003210: Could not find resource for full path: http://registry/schemas/ids/7"}',
    ],
    ['an error inside', 500, ''],
    ['an answer without a schema', 200, '{}'],
  ])('%s is tried again', async (_what, status, body) => {
    const { client } = await registry(status, body);
    await expect(client.schema(7)).rejects.toMatchObject({ code: 'RegistryUnavailable', retryable: true });
  });

  it('that refuses needs a person', async () => {
    const { client } = await registry(401, '');
    await expect(client.schema(7)).rejects.toMatchObject({ code: 'RegistryRefused', retryable: false });
  });

  it('that is down is tried again', async () => {
    const client = new SchemaRegistry({ url: 'http://127.0.0.1:1' });
    await expect(client.schema(7)).rejects.toMatchObject({ code: 'RegistryUnavailable', retryable: true });
  });
});
