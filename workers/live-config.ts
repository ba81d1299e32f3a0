import { errorMessage, TributaryError } from '../common/errors.js';
import type { KafkaRuntime, RuntimeConfig } from '../config/runtime.js';
import type { Secret } from '../config/secret.js';

/**
 * The connections of a worker. What a table needs that was added after the worker had started, its Kafka cluster or the address of its source,
 * is looked for in the file as it is by then, so that a table comes without a restart. What the worker has known from its start stays as it
 * was: a process half on old connections and half on new ones helps nobody.
 */
export class LiveConfig {
  constructor(
    private readonly known: Pick<RuntimeConfig, 'kafka' | 'secrets'>,
    /** Reads the file once more. @throws ConfigError */
    private readonly readAgain: () => Pick<RuntimeConfig, 'kafka' | 'secrets'>,
  ) {}

  /** @throws TributaryError ClusterUnknown */
  cluster(name: string): KafkaRuntime {
    const { kafka } = this.known;
    if (kafka[name]) return kafka[name];
    const now = this.now();
    const found = now.config?.kafka[name];
    if (found) return (kafka[name] = found);
    const known = Object.keys(now.config?.kafka ?? kafka);
    throw new TributaryError({
      code: 'ClusterUnknown',
      message:
        `This worker's config has no Kafka cluster ${name} (it has: ${known.join(', ')})${now.fault}. ` +
        'Workers of one task queue need the same clusters: put it into the file, or restart the worker with the right one.',
      attributes: { name, known },
    });
  }

  /** A secret by its reference in a spec. @throws TributaryError SecretMissing */
  secret(reference: string): Secret {
    const { secrets } = this.known;
    if (secrets[reference]) return secrets[reference];
    const now = this.now();
    const found = now.config?.secrets[reference];
    if (found) return (secrets[reference] = found);
    throw new TributaryError({
      code: 'SecretMissing',
      message:
        `This worker's config has no ${reference}${now.fault}. Workers of one task queue need the same tables and secrets: ` +
        'put it into the file, or restart the worker with the right one.',
      attributes: { reference },
    });
  }

  private now(): { config?: Pick<RuntimeConfig, 'kafka' | 'secrets'>; fault: string } {
    try {
      return { config: this.readAgain(), fault: '' };
    } catch (error) {
      return { fault: `, and cannot be read again: ${errorMessage(error)}` };
    }
  }
}
