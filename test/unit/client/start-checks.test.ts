import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { topicFindings, topicsOf, type Topics } from '../../../client/topic-check.js';
import { otherConnections } from '../../../client/workers-alive.js';
import { connectionPrints, printsText } from '../../../config/fingerprint.js';
import { resolveRuntime } from '../../../config/resolve-runtime.js';
import { resolveTables } from '../../../config/resolve.js';
import { APPEND, BASE, load } from '../config/helpers.js';

const loaded = load(BASE + APPEND);
const specs = resolveTables(loaded).map(({ spec }) => spec);
const findings = (topics: Topics): ReturnType<typeof topicFindings> =>
  topicFindings(specs, new Map([['main', topics]]));
const brokers = ['k1:9092', 'k2:9092'];

// A dry run that says "would start" about a misspelt topic is found out hours later, by a table without rows.
describe('the topics of a dry run', () => {
  it('are named with their config keys, brokers and the name that was probably meant, if they are not there', () => {
    expect(findings({ brokers, topics: ['clicks', 'other'] })).toEqual([]);
    const [missing] = findings({ brokers, topics: ['click', 'other'] });
    expect(missing).toMatchObject({ table: 'clicks', code: 'TopicNotFound' });
    expect(missing?.message).toMatch(
      /topic clicks \(from\.topic\).*k1:9092, k2:9092 \(kafka\.main\.brokers\).*did you mean click\?/,
    );
  });

  it('are not called missing if Kafka could not be asked', () => {
    const [unknown] = findings({ brokers, unknown: 'Kafka did not answer' });
    expect(unknown).toMatchObject({ code: 'TopicNotChecked' });
    expect(unknown?.message).toContain('Kafka did not answer');
  });
});

describe('the topics of a start', () => {
  // The tables are started already: a Kafka that only the workers reach must not hold the command up for its deadlines.
  it('are not waited for longer than said, and the answer says that nobody looked', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const runtime = resolveRuntime(load((BASE + APPEND).replaceAll('9092', String(port))));
    const clusters = await topicsOf(runtime, specs, 300);
    silent.close();
    expect(topicFindings(specs, clusters)[0]).toMatchObject({
      code: 'TopicNotChecked',
      message: expect.stringContaining('did not answer within 0.3 s') as string,
    });
  });
});

// Whoever moves Kafka to other brokers runs `start`, sees "unchanged", and wonders why workers still ask the old ones.
describe('connections that workers have read from an older file', () => {
  const prints = (
    text: string,
    secrets: 'optional' | 'required' = 'optional',
  ): ReturnType<typeof connectionPrints> =>
    connectionPrints(resolveRuntime(load(text, { secrets, env: { PW: 'hunter2hunter2' } })));
  const worker = (text: string): { identity: string; seenMs: number } => ({
    identity: `12@host ${printsText(prints(text))}`,
    seenMs: 60_000,
  });
  const moved = BASE.replace('9092', '9093') + APPEND;

  it('are named by worker and section, with what to do', () => {
    const text = otherConnections([worker(BASE + APPEND), worker(moved)], prints(moved), 65_000);
    expect(text).toMatch(/12@host \(kafka\.main; last heard 5 s ago\).*restart the workers/);
    expect(text).not.toMatch(/storage|catalog/);
  });

  it('are no matter where all is the same, where only tables changed, or where a worker does not tell', () => {
    const other = BASE + APPEND.replace('bigint', 'string');
    expect(otherConnections([worker(other)], prints(BASE + APPEND))).toBeUndefined();
    expect(otherConnections([{ identity: '12@host', seenMs: 0 }], prints(moved))).toBeUndefined();
  });

  it('are no matter where a cluster was added: a worker finds it in the file when a table asks for it', () => {
    const more =
      BASE.replace('kafka:', 'kafka:\n  other: { brokers: [k2:9092] }') +
      APPEND.replace('topic:', 'kafka: main, topic:');
    expect(Object.keys(prints(more))).toContain('kafka.other');
    expect(otherConnections([worker(BASE + APPEND)], prints(more))).toBeUndefined();
  });

  it('show nothing of a secret, and are the same whether it is known or not', () => {
    const sasl = (BASE + APPEND).replace(
      '[127.0.0.1:9092]',
      "[127.0.0.1:9092], ssl: true, sasl: { mechanism: plain, username: u, password: '${PW}' }",
    );
    const unset = connectionPrints(resolveRuntime(load(sasl, { secrets: 'optional', env: {} })));
    expect(prints(sasl, 'required')).toEqual(unset);
  });
});
