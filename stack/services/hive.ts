import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fetchJars } from '../fetch/maven.js';
import { checkJava } from '../preflight.js';
import { probeHive } from '../probes/hive.js';
import { writeHiveConfig } from './hive-config.js';
import { java, opens } from './java.js';
import type { Unit } from './unit.js';

/** HiveServer2 with its metastore (Derby) and Tez in the same process, on HDFS. */
export const hive: Unit = {
  name: 'hive',
  service: 'hive',
  after: ['namenode', 'datanode'],
  ports: ['hive'],
  fetch: (cache, report) => {
    checkJava();
    return fetchJars(cache, 'hive', 'hive', report);
  },
  prepare: (context) => {
    for (const name of ['tmp', 'tez', 'scratch']) {
      mkdirSync(join(context.paths.data('hive'), name), { recursive: true });
    }
    writeHiveConfig(context);
    return Promise.resolve();
  },
  command: ({ program, paths }) => {
    const data = paths.data('hive');
    return java(
      {
        before: [paths.conf('hive')],
        jars: program,
        main: 'org.apache.hive.service.server.HiveServer2',
        heapMb: 2048,
        // It loads 30,000 classes: growing in small steps means a full collection at each.
        initialHeapMb: 384,
        options: [
          '-XX:+UseParallelGC',
          '-XX:MetaspaceSize=256m',
          `-Djava.io.tmpdir=${join(data, 'tmp')}`,
          `-Dderby.stream.error.file=${join(data, 'derby.log')}`,
          '-Dlog4j2.formatMsgNoLookups=true',
          ...opens('java.lang', 'java.net', 'java.io', 'java.nio', 'java.util', 'java.util.concurrent'),
          ...opens('java.util.concurrent.atomic', 'java.util.regex', 'java.time'),
          '--add-opens=java.sql/java.sql=ALL-UNNAMED',
        ],
      },
      data,
    );
  },
  probe: ({ endpoints }) => probeHive(endpoints.hive.host, endpoints.hive.port),
  readyTimeoutMs: 300_000,
  stopGraceMs: 20_000,
};
