import type { Endpoints } from '../../stack/endpoints.js';
import { SHOP_TABLES, payments } from './tables.js';

export interface MirrorPlaces {
  run: string;
  /** Database at both sources. */
  database: string;
  topics: { ticdc: string; drainer: string; shake: string };
}

export const mirrorPlaces = (run: string): MirrorPlaces => ({
  run,
  database: `shop_${run}`,
  topics: { ticdc: `demo.${run}.ticdc`, drainer: `demo.${run}.drainer`, shake: `demo.${run}.shake` },
});

/** Hive database of the run. */
export const hiveDatabase = (run: string): string => `mirror_${run}`;

/** Workflow ids are names of the namespace: a run's tables have its number in theirs. */
export const mirrorName = (table: string, run: string): string => `${table}_${run}`;

/** The config of the mirrors, as a person would write it; the databases' addresses come from the environment. */
export function mirrorConfig(
  endpoints: Endpoints,
  places: MirrorPlaces,
  zone: string,
  lite: boolean,
): string {
  const { run, database, topics } = places;
  const hive = `{ kind: hive, host: ${endpoints.hive.host}, port: ${endpoints.hive.port}, auth: nosasl, database: ${hiveDatabase(run)} }`;
  const hdfs = `{ kind: webhdfs, url: '${endpoints.hdfs.webhdfsUrl}', user: hive, root: /warehouse/mirror/${run}, fs_uri: '${endpoints.hdfs.fsUrl}' }`;
  const relational = SHOP_TABLES.map(({ name }) => {
    const drainer = name === payments.name;
    return `  - name: ${mirrorName(name, run)}
    mode: mirror
    from: { kafka: main, topic: ${drainer ? topics.drainer : topics.ticdc}, format: ${drainer ? 'drainer' : 'canal-json'}, match: { database: ${database}, table: ${name} } }
    bootstrap: { kind: tidb, url: '\${DEMO_TIDB_URL}', chunk_rows: 500, max_chunks_in_flight: 2, rows_per_second: 2000 }
    snapshot: { every: minute }
`;
  });
  return `# Made by npm run demo -- mirror.
temporal: { address: '${endpoints.temporal.address}', task_queue: demo-${run}, ui: '${endpoints.temporal.uiUrl}' }
kafka:
  main: { brokers: [${endpoints.kafka.brokers.map((broker) => `'${broker}'`).join(', ')}] }
warehouse:
  catalog: ${lite ? '{ kind: none }' : hive}
  storage: ${lite ? '{ kind: file, root: ./data }' : hdfs}
  timezone: ${zone}
ingest: { flush: { interval: 1s } }
defaults: { lateness: 10s }
tables:
${relational.join('')}  - name: ${mirrorName('carts', run)}
    mode: mirror
    from: { kafka: main, topic: ${topics.shake}, format: mongoshake, match: { database: ${database}, collection: carts } }
    # The demo's MongoDB has one member only; in production leave \`read_preference\` away, and a secondary is read.
    bootstrap: { kind: mongodb, url: '\${DEMO_MONGO_URL}', read_preference: primary, chunk_rows: 200, rows_per_second: 500 }
    columns:
      - { name: user_id, type: bigint, path: $.user.id }
      - { name: total, type: bigint, path: $.total }
    snapshot: { every: minute }
`;
}
