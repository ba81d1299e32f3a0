import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fetchJars } from '../fetch/maven.js';
import { runChecked } from '../proc/run.js';
import { checkJava, javaCommand } from '../preflight.js';
import { probeKafka } from '../probes/kafka.js';
import { type Properties, log4j2, properties, writeText } from './files.js';
import { java, javaArguments } from './java.js';
import type { Unit, UnitContext } from './unit.js';

const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;

/** One Kafka node that is broker and controller (KRaft). */
export const kafka: Unit = {
  name: 'kafka',
  service: 'kafka',
  after: [],
  ports: ['kafka', 'kafkaController'],
  fetch: (cache, report) => {
    checkJava();
    return fetchJars(cache, 'kafka', 'kafka', report);
  },
  prepare,
  command: ({ program, paths }) =>
    java(
      {
        before: [paths.conf('kafka')],
        jars: program,
        main: 'kafka.Kafka',
        args: [join(paths.conf('kafka'), 'server.properties')],
        heapMb: 768,
        options: ['-XX:+UseG1GC', '-Dlog4j2.configurationFile=log4j2.properties'],
      },
      paths.data('kafka'),
    ),
  probe: ({ endpoints }) => probeKafka(endpoints.kafka.brokers),
  readyTimeoutMs: 180_000,
  stopGraceMs: 30_000,
};

async function prepare(context: UnitContext): Promise<void> {
  const { paths, program } = context;
  const conf = paths.conf('kafka');
  mkdirSync(paths.data('kafka'), { recursive: true });
  writeText(join(conf, 'server.properties'), properties(serverProperties(context)));
  writeText(join(conf, 'log4j2.properties'), log4j2('WARN', { 'kafka.server': 'INFO' }));
  const tools = join(conf, 'tools');
  writeText(join(tools, 'log4j2.properties'), log4j2('ERROR'));
  if (existsSync(join(logDir(context), 'meta.properties'))) return;
  context.report('kafka', 'formatting its storage');
  // Kafka's cluster ids are 16 random bytes in URL-safe base64.
  const clusterId = randomBytes(16).toString('base64url');
  await runChecked(
    'Formatting the storage of Kafka',
    javaCommand(),
    javaArguments({
      before: [tools],
      jars: program,
      main: 'kafka.tools.StorageTool',
      args: ['format', '--ignore-formatted', '-t', clusterId, '-c', join(conf, 'server.properties')],
      heapMb: 128,
      options: ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
    }),
  );
}

function serverProperties(context: UnitContext): Properties {
  const { ports } = context;
  const controller = `127.0.0.1:${ports.kafkaController}`;
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${ports.kafka},CONTROLLER://${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${ports.kafka}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': logDir(context),
    'auto.create.topics.enable': false,
    'message.max.bytes': MAX_MESSAGE_BYTES,
    'replica.fetch.max.bytes': MAX_MESSAGE_BYTES,
    'replica.fetch.response.max.bytes': 2 * MAX_MESSAGE_BYTES,

    // One broker holds every internal topic.
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,

    // Tests wait for retention, compaction, deletion and time-outs of transactions: seconds, not minutes.
    'log.retention.check.interval.ms': 1000,
    'log.initial.task.delay.ms': 500,
    'log.segment.delete.delay.ms': 1000,
    'log.cleaner.backoff.ms': 300,
    'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': 1000,
    'group.initial.rebalance.delay.ms': 0,

    'num.network.threads': 2,
    'num.io.threads': 4,
    'background.threads': 4,
  };
}

function logDir({ paths }: UnitContext): string {
  return join(paths.data('kafka'), 'logs');
}
