import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../config/load.js';
import { resolveRuntime } from '../../../config/resolve-runtime.js';
import { LiveConfig } from '../../../workers/live-config.js';
import { APPEND as CLICKS, BASE } from '../config/helpers.js';

const APPEND = CLICKS.replace('topic: clicks', 'kafka: main, topic: clicks');

const BOOTSTRAP = `
  - name: users
    mode: mirror
    key: [id]
    columns: [{ name: id, type: bigint }]
    from: { kafka: main, topic: users, format: canal-json, match: { database: shop, table: users } }
    bootstrap: { kind: tidb, url: '\${SHOP_URL}', table: shop.users }
    snapshot: { every: day }
`;

const runtime = (text: string, env: Record<string, string> = {}): ReturnType<typeof resolveRuntime> =>
  resolveRuntime(parseConfig(text, 'tributary.yaml', { env, secrets: 'optional' }));

// Hundreds of tables come and go; a worker that must be restarted for each is a worker that is always being restarted.
describe('what came into the file after the worker had started', () => {
  it('is found when a table asks for it: the address of a source, and a Kafka cluster', () => {
    let text = BASE + APPEND;
    const env = { SHOP_URL: 'mysql://u:p@db:4000/shop' };
    const live = new LiveConfig(runtime(text), () => runtime(text, env));
    expect(() => live.secret('bootstrap.users.url')).toThrow(/no bootstrap\.users\.url/);
    expect(() => live.cluster('other')).toThrow(/no Kafka cluster other \(it has: main\)/);
    text = BASE.replace('kafka:', 'kafka:\n  other: { brokers: [k2:9092] }') + APPEND + BOOTSTRAP;
    expect(live.cluster('other').brokers).toEqual(['k2:9092']);
    const reference = Object.keys(runtime(text, env).secrets)[0]!;
    expect(live.secret(reference).reveal()).toBe(env.SHOP_URL);
  });

  it('changes nothing of what the worker knew', () => {
    const live = new LiveConfig(runtime(BASE + APPEND), () => runtime(BASE.replace('9092', '9093') + APPEND));
    expect(live.cluster('main').brokers).toEqual(runtime(BASE + APPEND).kafka['main']!.brokers);
  });

  it('is not found while the file has mistakes, and these are told', () => {
    const live = new LiveConfig(runtime(BASE + APPEND), () => runtime('kafka: ['));
    expect(() => live.cluster('other')).toThrow(/cannot be read again: [^]*tributary\.yaml/);
  });
});
