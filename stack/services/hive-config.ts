import { join } from 'node:path';
import { hadoopXml, log4j1, log4j2, writeText } from './files.js';
import { writeHadoopSites } from './hdfs-config.js';
import type { UnitContext } from './unit.js';

/** Writes the configuration of HiveServer2 with its metastore inside, and of Tez in local mode. */
export function writeHiveConfig(context: UnitContext): void {
  const { paths, ports, endpoints } = context;
  const conf = paths.conf('hive');
  const data = paths.data('hive');
  const warehouse = `${endpoints.hdfs.fsUrl}/warehouse`;
  writeHadoopSites(context, conf);
  const tez = {
    'tez.local.mode': true,
    'tez.runtime.optimize.local.fetch': true,
    'tez.ignore.lib.uris': true,
    // Two tasks in one JVM failed in Parquet input and output.
    'tez.am.inline.task.execution.max-tasks': 1,
    // In one process there is nobody to wait for: the default pauses are made for a cluster.
    'tez.local.mode.without.network': true,
    'tez.am.sleep.time.before.exit.millis': 0,
    'tez.task.get-task.sleep.interval-ms.max': 20,
    // A local application master never comes back after a crash, so nothing is kept for it.
    'tez.dag.recovery.enabled': false,
    'tez.staging-dir': join(data, 'tez'),
    'tez.runtime.io.sort.mb': 64,
    'tez.runtime.unordered.output.buffer.size-mb': 32,
  };
  writeText(join(conf, 'tez-site.xml'), hadoopXml(tez));
  writeText(
    join(conf, 'hive-site.xml'),
    hadoopXml({
      ...tez,
      'javax.jdo.option.ConnectionURL': `jdbc:derby:;databaseName=${join(data, 'metastore')};create=true`,
      'javax.jdo.option.ConnectionDriverName': 'org.apache.derby.jdbc.EmbeddedDriver',
      'datanucleus.schema.autoCreateAll': true,
      'hive.metastore.schema.verification': false,
      // The schema is made by DataNucleus here, and SQL by hand is tested against the official one only.
      'hive.metastore.try.direct.sql': false,
      'hive.metastore.warehouse.dir': `${warehouse}/managed`,
      'hive.metastore.warehouse.external.dir': warehouse,
      'hive.metastore.event.db.notification.api.auth': false,

      'hive.server2.thrift.bind.host': '127.0.0.1',
      'hive.server2.thrift.port': ports.hive,
      'hive.server2.webui.port': 0,
      'hive.server2.authentication': 'NOSASL',
      'hive.server2.enable.doAs': false,
      'hive.server2.logging.operation.enabled': false,
      'hive.server2.materializedviews.registry.impl': 'DUMMY',
      // Tez in local mode keeps what a task reads in a map of the whole JVM: of two statements at once, one was seen to count
      // 0 of 350 rows. One session for all lets them run one after the other; a cluster has a process for each task.
      'hive.server2.tez.initialize.default.sessions': true,
      'hive.server2.tez.default.queues': 'default',
      'hive.server2.tez.sessions.per.default.queue': 1,
      'hive.server2.tez.session.lifetime': '0s',
      'hive.server2.session.check.interval': '60s',
      'hive.server2.idle.session.timeout': '1h',
      'hive.server2.idle.operation.timeout': '10m',
      'hive.server2.thrift.max.worker.threads': 100,

      'hive.execution.engine': 'tez',
      'hive.support.concurrency': false,
      'hive.txn.manager': 'org.apache.hadoop.hive.ql.lockmgr.DummyTxnManager',
      'hive.strict.managed.tables': false,
      'hive.exec.dynamic.partition.mode': 'nonstrict',
      'hive.exec.scratchdir': `${endpoints.hdfs.fsUrl}/tmp/hive`,
      'hive.exec.local.scratchdir': join(data, 'scratch'),
      'hive.downloaded.resources.dir': join(data, 'resources'),
      'hive.querylog.location': join(data, 'querylog'),
      'hive.user.install.directory': `${endpoints.hdfs.fsUrl}/user`,
      'hive.scheduled.queries.executor.enabled': false,
      'hive.privilege.synchronizer': false,
      'hive.metastore.housekeeping.threads.on': false,
      'hive.tez.container.size': 1024,
      'hive.tez.dag.status.check.interval': '50ms',
    }),
  );
  const levels = { 'org.apache.hadoop.hive.ql.Driver': 'INFO', 'org.apache.hive.service.server': 'INFO' };
  writeText(join(conf, 'log4j.properties'), log4j1('WARN', { ...levels, DataNucleus: 'ERROR' }));
  writeText(join(conf, 'hive-log4j2.properties'), log4j2('WARN', { ...levels, DataNucleus: 'ERROR' }));
}
