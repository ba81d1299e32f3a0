import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fetchJars } from '../fetch/maven.js';
import { checkJava } from '../preflight.js';
import { probeConnect } from '../probes/connect.js';
import { log4j2, properties, writeText } from './files.js';
import { java } from './java.js';
import type { Unit, UnitContext } from './unit.js';

const MARIADB_CONNECTOR = 'io.debezium.connector.mariadb.MariaDbConnector';

/** Kafka Connect with Debezium's MariaDB connector; connectors are made through its REST interface. */
export const connect: Unit = {
  name: 'connect',
  service: 'connect',
  after: ['kafka', 'mariadb'],
  ports: ['connect'],
  fetch: async (cache, report) => {
    checkJava();
    await fetchJars(cache, 'debezium', 'connect', report);
    return fetchJars(cache, 'kafka', 'connect', report);
  },
  prepare,
  command: ({ program, paths }) =>
    java({
      before: [paths.conf('connect')],
      jars: program,
      main: 'org.apache.kafka.connect.cli.ConnectDistributed',
      args: [join(paths.conf('connect'), 'worker.properties')],
      heapMb: 384,
      options: ['-XX:+UseSerialGC'],
    }),
  probe: ({ endpoints }) => probeConnect(endpoints.connect.url, MARIADB_CONNECTOR),
  readyTimeoutMs: 120_000,
  stopGraceMs: 15_000,
};

async function prepare({ paths, ports, endpoints, cache, report }: UnitContext): Promise<void> {
  const conf = paths.conf('connect');
  const plugins = join(conf, 'plugins');
  rmSync(plugins, { recursive: true, force: true });
  mkdirSync(plugins, { recursive: true });
  // Connect takes each folder in here for one plugin with a class loader of its own.
  symlinkSync(await fetchJars(cache, 'debezium', 'connect', report), join(plugins, 'debezium'));
  const json = 'org.apache.kafka.connect.json.JsonConverter';
  const internal = (topic: string, partitions?: number) => ({
    [`${topic}.storage.topic`]: `connect-${topic}`,
    [`${topic}.storage.replication.factor`]: 1,
    ...(partitions === undefined ? {} : { [`${topic}.storage.partitions`]: partitions }),
  });
  writeText(
    join(conf, 'worker.properties'),
    properties({
      'bootstrap.servers': endpoints.kafka.brokers.join(','),
      'group.id': 'tributary-connect',
      'plugin.path': plugins,
      'plugin.discovery': 'service_load',
      listeners: `http://127.0.0.1:${ports.connect}`,
      'key.converter': json,
      'key.converter.schemas.enable': false,
      'value.converter': json,
      'value.converter.schemas.enable': false,
      'offset.flush.interval.ms': 1000,
      'topic.creation.enable': true,
      ...internal('config'),
      ...internal('offset', 1),
      ...internal('status', 1),
    }),
  );
  writeText(join(conf, 'log4j2.properties'), log4j2('WARN', { 'io.debezium': 'INFO' }));
}
