import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fetchJars } from '../fetch/maven.js';
import { checkJava, javaCommand } from '../preflight.js';
import { probeDatanode, probeNamenode } from '../probes/hdfs.js';
import { runChecked } from '../proc/run.js';
import { writeHdfsConfig } from './hdfs-config.js';
import { type JavaOptions, java, javaArguments, opens } from './java.js';
import type { Unit, UnitContext } from './unit.js';

const NAMENODE = 'org.apache.hadoop.hdfs.server.namenode.NameNode';
const DATANODE = 'org.apache.hadoop.hdfs.server.datanode.DataNode';

const common = {
  service: 'hdfs',
  readyTimeoutMs: 240_000,
  stopGraceMs: 15_000,
} as const;

/** HDFS's NameNode with WebHDFS. */
export const namenode: Unit = {
  ...common,
  name: 'namenode',
  after: [],
  ports: ['namenodeHttp', 'namenode'],
  fetch: (cache, report) => fetchHdfs(cache, 'namenode', report),
  prepare: async (context) => {
    writeHdfsConfig(context);
    const name = join(context.paths.data('hdfs'), 'name');
    mkdirSync(name, { recursive: true });
    if (isFormatted(join(name, 'current'))) return;
    context.report('namenode', 'formatting its storage');
    const args = ['-format', '-force', '-nonInteractive'];
    await runChecked('Formatting HDFS', javaCommand(), javaArguments(hdfsJava(context, NAMENODE, args)));
  },
  command: (context) => java(hdfsJava(context, NAMENODE), context.paths.data('hdfs')),
  probe: ({ endpoints }) => probeNamenode(endpoints.hdfs.webhdfsUrl),
};

/** HDFS's one DataNode. It starts beside the NameNode, which leaves safe mode when it has reported its blocks. */
export const datanode: Unit = {
  ...common,
  name: 'datanode',
  after: [],
  ports: ['datanodeHttp', 'datanode', 'datanodeIpc'],
  fetch: (cache, report) => fetchHdfs(cache, 'datanode', report),
  prepare: (context) => {
    writeHdfsConfig(context);
    mkdirSync(join(context.paths.data('hdfs'), 'data'), { recursive: true });
    return Promise.resolve();
  },
  command: (context) => java(hdfsJava(context, DATANODE), context.paths.data('hdfs')),
  probe: ({ endpoints, ports }) =>
    probeDatanode(endpoints.hdfs.webhdfsUrl, `http://127.0.0.1:${ports.datanodeHttp}`),
};

/** The image is the last thing that formatting writes: without it a format was cut short, and nothing was stored. */
function isFormatted(current: string): boolean {
  return existsSync(current) && readdirSync(current).some((name) => /^fsimage_\d+$/.test(name));
}

function fetchHdfs(...[cache, unit, report]: [string, string, UnitContext['report']]): Promise<string> {
  checkJava();
  return fetchJars(cache, 'hdfs', unit, report);
}

function hdfsJava({ paths, program }: UnitContext, main: string, args: string[] = []): JavaOptions {
  return {
    before: [paths.conf('hdfs')],
    jars: program,
    main,
    args,
    heapMb: 256,
    options: ['-XX:+UseSerialGC', ...opens('java.lang')],
  };
}
