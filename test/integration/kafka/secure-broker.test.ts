import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAdmin } from '../../../kafka/admin.js';
import type { ClusterOptions } from '../../../kafka/client.js';
import { createRangeReader } from '../../../kafka/range-reader.js';
import { produce } from './support/java.js';
import { startOwnBroker, type OwnBroker } from './support/own-broker.js';
import { readTopic } from './support/read.js';

const COUNT = 30_000;
const password = 'a-test-password';
const topic = 'secured';
const folder = mkdtempSync(join(tmpdir(), 'tributary-tls-'));
let broker: OwnBroker | undefined;
let cluster: ClusterOptions;

beforeAll(async () => {
  const keystore = join(folder, 'broker.p12');
  const store = ['-keystore', keystore, '-storetype', 'PKCS12', '-storepass', password, '-alias', 'broker'];
  execFileSync('keytool', [
    ...['-genkeypair', '-keyalg', 'RSA', '-dname', 'CN=broker', '-ext', 'san=ip:127.0.0.1', '-validity', '2'],
    ...store,
  ]);
  execFileSync('keytool', ['-exportcert', '-rfc', '-file', join(folder, 'broker.pem'), ...store], {
    stdio: 'ignore',
  });
  broker = await startOwnBroker({
    keystore,
    password,
    user: 'reader',
    userPassword: password,
    reauthenticateMs: 13_000,
  });
  cluster = {
    brokers: broker.secureBrokers,
    ssl: { ca: [readFileSync(join(folder, 'broker.pem'), 'utf8')] },
    sasl: { mechanism: 'plain', username: 'reader', password },
  };
  const admin = createAdmin({ brokers: broker.brokers });
  await admin.createTopic(topic);
  await admin.close();
  await produce(broker.brokers, [
    ['producer', 'p', 'none'],
    ['fill', 'p', topic, 0, COUNT, 300, 10],
  ]);
});

afterAll(async () => {
  await broker?.remove();
  rmSync(folder, { recursive: true, force: true });
});

describe('TLS and SASL', () => {
  it('reads, also after the login has run out', async () => {
    const reader = createRangeReader(cluster);
    expect(await readTopic(reader, topic)).toHaveLength(COUNT);
    for (let turn = 0; turn < 4; turn++) {
      await delay(4_000);
      expect(await readTopic(reader, topic, { maxFetchBytes: 500_000 })).toHaveLength(COUNT);
    }
    await reader.close();
  });

  it('says at once that the password is wrong, without naming it', async () => {
    const wrong = 'not-the-password';
    const reader = createRangeReader({
      ...cluster,
      sasl: { mechanism: 'plain', username: 'reader', password: wrong },
    });
    const error = await reader.positions(topic).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'KafkaRefused', retryable: false });
    expect(String(error)).not.toContain(wrong);
    await reader.close();
  });

  it('says what may be wrong when TLS is not set as the listener has it', async () => {
    const options = { retry: { forMs: 500 } };
    const plain = createRangeReader({ brokers: cluster.brokers, requestTimeout: 2_000 }, options);
    await expect(plain.positions(topic)).rejects.toMatchObject({ code: 'KafkaUnavailable' });
    await plain.close();
    const untrusting = createRangeReader({ ...cluster, ssl: true }, options);
    await expect(untrusting.positions(topic)).rejects.toMatchObject({
      code: 'KafkaUnavailable',
      message: expect.stringMatching(/certificate/) as string,
    });
    await untrusting.close();
  });
});
