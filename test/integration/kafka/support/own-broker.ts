import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createAdmin } from '../../../../kafka/admin.js';
import { kafkaJars, runKafkaTool } from '../../../../stack/kafka-tools.js';

/** A Kafka of a test's own, which it may kill and start as it likes. */
export interface OwnBroker {
  brokers: string[];
  /** A listener with TLS and SASL PLAIN, if `secure` was given. */
  secureBrokers: string[];
  start(): Promise<void>;
  /** Ends it: SIGTERM lets it shut down in order, SIGKILL does not. */
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  remove(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A second listener, with TLS and SASL PLAIN. */
export interface SecureListener {
  keystore: string;
  password: string;
  user: string;
  userPassword: string;
  /** After so long a client has to log in again (KIP-368). */
  reauthenticateMs: number;
}

/** Formats and starts a broker in a temporary folder, on ports of its own. */
export async function startOwnBroker(secure?: SecureListener): Promise<OwnBroker> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-broker-'));
  const [port, controllerPort, securePort] = [await freePort(), await freePort(), await freePort()];
  const jars = await kafkaJars();
  const config = join(folder, 'server.properties');
  const log = join(folder, 'log.txt');
  writeFileSync(
    config,
    Object.entries({
      'process.roles': 'broker,controller',
      'node.id': '1',
      'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
      listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
      'controller.listener.names': 'CONTROLLER',
      'inter.broker.listener.name': 'PLAINTEXT',
      'log.dirs': join(folder, 'data'),
      'offsets.topic.replication.factor': '1',
      ...(secure === undefined ? {} : secureSettings(secure, port, controllerPort, securePort)),
    })
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  const clusterId = randomBytes(16).toString('base64url');
  await runKafkaTool('kafka.tools.StorageTool', ['format', '-t', clusterId, '-c', config]);

  const brokers = [`127.0.0.1:${port}`];
  let child: ChildProcess | undefined;
  const stop = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };
  const start = async (): Promise<void> => {
    const output = openSync(log, 'a');
    child = spawn(
      'java',
      ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', `${jars}/*`, 'kafka.Kafka', config],
      { stdio: ['ignore', output, output], cwd: folder },
    );
    await untilReady(brokers, () => child!.exitCode !== null, log);
  };
  await start();
  return {
    brokers,
    secureBrokers: [`127.0.0.1:${securePort}`],
    start,
    stop,
    async remove() {
      await stop('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function secureSettings(
  secure: SecureListener,
  port: number,
  controllerPort: number,
  securePort: number,
): Record<string, string> {
  const plain = `PLAINTEXT://127.0.0.1:${port},SASL_SSL://127.0.0.1:${securePort}`;
  const listener = 'listener.name.sasl_ssl.';
  const login = 'org.apache.kafka.common.security.plain.PlainLoginModule required';
  return {
    listeners: `${plain},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': plain,
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL',
    'sasl.enabled.mechanisms': 'PLAIN',
    [`${listener}plain.sasl.jaas.config`]: `${login} user_${secure.user}="${secure.userPassword}";`,
    [`${listener}plain.connections.max.reauth.ms`]: String(secure.reauthenticateMs),
    [`${listener}ssl.keystore.type`]: 'PKCS12',
    [`${listener}ssl.keystore.location`]: secure.keystore,
    [`${listener}ssl.keystore.password`]: secure.password,
    [`${listener}ssl.key.password`]: secure.password,
  };
}

async function untilReady(brokers: string[], isDead: () => boolean, log: string): Promise<void> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const admin = createAdmin({ brokers });
    try {
      await admin.listTopics();
      return;
    } catch (error) {
      if (isDead() || Date.now() > deadline) {
        throw new Error(`the broker did not start: ${readFileSync(log, 'utf8').slice(-2000)}`, {
          cause: error,
        });
      }
      await delay(500);
    } finally {
      await admin.close();
    }
  }
}
