import { join } from 'node:path';
import { hadoopXml, log4j1, writeText } from './files.js';
import type { UnitContext } from './unit.js';

/** Writes the configuration that NameNode, DataNode, the HDFS tools and Hive share. */
export function writeHdfsConfig(context: UnitContext): void {
  writeHadoopSites(context, context.paths.conf('hdfs'));
  writeText(
    join(context.paths.conf('hdfs'), 'log4j.properties'),
    log4j1('WARN', {
      'org.apache.hadoop.hdfs.server.namenode.NameNode': 'INFO',
      'org.apache.hadoop.hdfs.server.datanode.DataNode': 'INFO',
      // It says once a file that this JDK has no native library.
      'org.apache.hadoop.util.NativeCodeLoader': 'ERROR',
    }),
  );
}

/** Writes core-site.xml and hdfs-site.xml. */
export function writeHadoopSites({ paths, ports, endpoints }: UnitContext, conf: string): void {
  const data = paths.data('hdfs');
  writeText(
    join(conf, 'core-site.xml'),
    hadoopXml({
      'fs.defaultFS': endpoints.hdfs.fsUrl,
      'hadoop.tmp.dir': join(data, 'tmp'),
      'ipc.client.connect.max.retries': 3,
    }),
  );
  writeText(
    join(conf, 'hdfs-site.xml'),
    hadoopXml({
      'dfs.replication': 1,
      // A file is closed by asking again after this delay, doubled each time: 400 ms by default, for each small file.
      'dfs.client.block.write.locateFollowingBlock.initial.delay.ms': 20,
      'dfs.permissions.enabled': false,
      'dfs.namenode.name.dir': `file://${join(data, 'name')}`,
      'dfs.datanode.data.dir': `file://${join(data, 'data')}`,
      'dfs.namenode.rpc-address': `127.0.0.1:${ports.namenode}`,
      'dfs.namenode.http-address': `127.0.0.1:${ports.namenodeHttp}`,
      'dfs.datanode.address': `127.0.0.1:${ports.datanode}`,
      'dfs.datanode.http.address': `127.0.0.1:${ports.datanodeHttp}`,
      'dfs.datanode.ipc.address': `127.0.0.1:${ports.datanodeIpc}`,
      'dfs.datanode.hostname': '127.0.0.1',
      'dfs.namenode.datanode.registration.ip-hostname-check': false,
      'dfs.client.use.datanode.hostname': true,
      // Safe mode ends as soon as the blocks are reported, and a dead DataNode is noticed in 30 seconds.
      'dfs.namenode.safemode.extension': 0,
      'dfs.namenode.safemode.min.datanodes': 1,
      'dfs.heartbeat.interval': 1,
      'dfs.namenode.heartbeat.recheck-interval': 10_000,
      'dfs.namenode.handler.count': 8,
      'dfs.datanode.handler.count': 4,
      'dfs.datanode.max.transfer.threads': 256,
      // Half-written files of a killed writer can be opened again soon.
      'dfs.namenode.lease-recheck-interval-ms': 1000,
    }),
  );
}
