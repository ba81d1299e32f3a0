import { TributaryError } from '../../common/errors.js';

/** Rejects until Kafka Connect lists its connectors and offers the given plugin. */
export async function probeConnect(url: string, plugin: string): Promise<void> {
  const signal = AbortSignal.timeout(5000);
  await (await fetch(`${url}/connectors`, { signal })).json();
  const plugins = (await (await fetch(`${url}/connector-plugins`, { signal })).json()) as { class: string }[];
  if (plugins.some((one) => one.class === plugin)) return;
  throw new TributaryError({
    code: 'StackNotReady',
    message: `Connect does not offer ${plugin}`,
    retryable: true,
  });
}
