import { errorMessage, TributaryError } from '../common/errors.js';

export interface RegistryOptions {
  /** Address as clients of Confluent's API write it; other registries have theirs below it, e.g. `/apis/ccompat/v7`. */
  url: string;
  username?: string;
  password?: string;
  /** Longest time for one request, ms. Default 10 seconds. */
  timeoutMs?: number;
}

/** Schemas by their number in a registry that speaks Confluent's API. A schema never changes, so it is asked for once. */
export class SchemaRegistry {
  private readonly known = new Map<number, string>();

  constructor(private readonly options: RegistryOptions) {}

  /**
   * Text of a schema; undefined if the registry does not know the number.
   * @throws TributaryError RegistryUnavailable (retryable), RegistryRefused
   */
  async schema(id: number, signal?: AbortSignal): Promise<string | undefined> {
    const known = this.known.get(id);
    if (known !== undefined) return known;
    const url = `${this.options.url.replace(/\/+$/, '')}/schemas/ids/${id}`;
    const response = await this.get(url, signal);
    if (response === undefined) return undefined;
    const { schema } = response as { schema?: unknown };
    if (typeof schema !== 'string') throw this.unavailable(url, 'its answer holds no schema');
    this.known.set(id, schema);
    return schema;
  }

  private async get(url: string, signal?: AbortSignal): Promise<unknown> {
    const { username, password, timeoutMs = 10_000 } = this.options;
    const headers: Record<string, string> = { accept: 'application/json' };
    if (username !== undefined) {
      headers['authorization'] = `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`;
    }
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(url, {
        headers,
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
      if (response.status === 404) return await this.notFound(url, response);
      if (response.status === 401 || response.status === 403) throw this.refused(url, response.status);
      if (!response.ok) throw this.unavailable(url, `it answers ${response.status}`);
      return await response.json();
    } catch (error) {
      if (error instanceof TributaryError) throw error;
      signal?.throwIfAborted();
      throw this.unavailable(url, errorMessage(error), error);
    }
  }

  /**
   * A registry has a number of its own for a schema that it does not have. For an address that it does not have (Apicurio without
   * its path, say) it answers 404 and no more, as a proxy does.
   */
  private async notFound(url: string, response: Response): Promise<undefined> {
    const text = await response.text();
    if (/"error_code"\s*:\s*404\d\d/.test(text)) return undefined;
    throw this.unavailable(
      url,
      'it answers 404, and not as a registry does, so the address may lack a path (/apis/ccompat/v7 of Apicurio)',
    );
  }

  private unavailable(url: string, reason: string, cause?: unknown): TributaryError {
    return new TributaryError({
      code: 'RegistryUnavailable',
      message: `The schema registry cannot be read: ${url}: ${reason}. Tried again until it answers; check the address (kafka.<name>.registry.url, or from.registry of the table).`,
      retryable: true,
      attributes: { url },
      cause,
    });
  }

  private refused(url: string, status: number): TributaryError {
    return new TributaryError({
      code: 'RegistryRefused',
      message: `The schema registry refuses to answer (${status}): ${url}. Check kafka.<name>.registry.username and password.`,
      attributes: { url, status },
    });
  }
}
