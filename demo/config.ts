import type { Endpoints } from '../stack/endpoints.js';

/** The demo's config file, as a person would write it. */
export function demoConfig(options: {
  endpoints: Endpoints;
  run: string;
  topic: string;
  table: string;
  zone: string;
  lite: boolean;
}): string {
  const { endpoints, run, topic, table, zone, lite } = options;
  const hive = `{ kind: hive, host: ${endpoints.hive.host}, port: ${endpoints.hive.port}, auth: nosasl, database: demo_${run} }`;
  const hdfs = `{ kind: webhdfs, url: '${endpoints.hdfs.webhdfsUrl}', user: hive, root: /warehouse/demo/${run}, fs_uri: '${endpoints.hdfs.fsUrl}' }`;
  return `# Made by npm run demo.
temporal: { address: '${endpoints.temporal.address}', task_queue: demo-${run}, ui: '${endpoints.temporal.uiUrl}' }
kafka:
  main: { brokers: [${endpoints.kafka.brokers.map((broker) => `'${broker}'`).join(', ')}] }
warehouse:
  catalog: ${lite ? '{ kind: none }' : hive}
  storage: ${lite ? '{ kind: file, root: ./data }' : hdfs}
  timezone: ${zone}
# Small batches, so that there is a middle in which a worker can be killed.
ingest: { flush: { interval: 2s, max_records: 60000 }, parallelism: 2 }
compaction: { min_files: 3 }
tables:
  - name: ${table}
    mode: append
    from: { kafka: main, topic: ${topic}, format: json }
    time: { path: '$."@timestamp"' }
    partition: [day, hour]
    lateness: 1m
    columns:
      - { name: event_id, type: bigint }
      - { name: uid, type: bigint }
      - { name: action, type: string }
      - { name: score, type: 'decimal(6,2)' }
      - { name: vip, type: boolean }
      - { name: lesson, type: string, path: $.props.lesson }
      - { name: city, type: string, path: $.props.city }
      - { name: position_ms, type: int, path: $.props.position_ms }
      - { name: trace, type: string }
`;
}
