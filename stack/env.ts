import type { Endpoints } from './endpoints.js';

/** Lines for `eval "$(npm run --silent stack -- env)"`. */
export function environmentLines(endpoints: Endpoints): string {
  const variables = {
    TEMPORAL_ADDRESS: endpoints.temporal.address,
    TEMPORAL_UI_URL: endpoints.temporal.uiUrl,
    KAFKA_BROKERS: endpoints.kafka.brokers.join(','),
    WEBHDFS_URL: endpoints.hdfs.webhdfsUrl,
    HDFS_URL: endpoints.hdfs.fsUrl,
    HIVE_HOST: endpoints.hive.host,
    HIVE_PORT: String(endpoints.hive.port),
    TIDB_URL: endpoints.tidb.url,
    MARIADB_URL: endpoints.mariadb.url,
    CONNECT_URL: endpoints.connect.url,
    MONGO_URL: endpoints.mongo.url,
  };
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value}'`)
    .join('\n');
}

/** The connections of a tributary.yaml that uses this stack. */
export function yamlSnippet(endpoints: Endpoints): string {
  const { temporal, kafka, hdfs, hive } = endpoints;
  return `temporal: { address: ${temporal.address}, namespace: default }
kafka:
  main: { brokers: [${kafka.brokers.map((broker) => `'${broker}'`).join(', ')}] }
warehouse:
  catalog: { kind: hive, host: ${hive.host}, port: ${hive.port}, auth: nosasl, database: ods }
  storage: { kind: webhdfs, url: ${hdfs.webhdfsUrl}, user: hive, root: /warehouse/tributary }`;
}
