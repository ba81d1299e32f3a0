import { checkColumns } from './checks-columns.js';
import { checkTable } from './checks-table.js';
import type { Config, KafkaClusterConfig, TableConfig } from './schema.js';
import type { Finding } from './source.js';
import { suggest } from './suggest.js';
import { derivedTables } from './tables.js';

/** What the schema let through; of a faulty file only the parts that are right by themselves. */
export interface Checked {
  kafka: Record<string, Partial<KafkaClusterConfig>>;
  warehouse: Config['warehouse'] | undefined;
  ingest: Config['ingest'] | undefined;
  /** Positions are those of the file. */
  tables: (TableConfig | undefined)[];
}

export type Report = (finding: Finding & { at?: 'key' | 'value' }) => void;

/** Checks what no single option can tell: references, clashes, and options that do not go together. */
export function checkConfig(checked: Checked, report: Report): void {
  checkConnections(checked, report);
  checkNames(checked, report);
  checkTopics(checked, report);
  checked.tables.forEach((table, index) => {
    if (!table) return;
    checkTable(table, ['tables', index], checked, report);
    checkColumns(table, ['tables', index], report);
  });
  if (checked.tables.length === 0) {
    report({ path: ['tables'], severity: 'warning', at: 'key', message: 'there are no tables to land' });
  }
}

function checkConnections({ kafka, warehouse }: Checked, report: Report): void {
  for (const [name, cluster] of Object.entries(kafka)) {
    if (cluster.sasl?.mechanism === 'plain' && cluster.ssl === false) {
      const message = 'with `plain` and without `ssl` the password travels in the clear';
      report({ path: ['kafka', name, 'sasl', 'mechanism'], severity: 'warning', message });
    }
    if (cluster.registry?.password && cluster.registry.username === undefined) {
      report({ path: ['kafka', name, 'registry', 'password'], message: 'a password needs a `username`' });
    }
  }
  const catalog = warehouse?.catalog;
  if (catalog?.kind === 'hive' && catalog.auth === 'nosasl' && catalog.password) {
    const message = 'HiveServer2 without SASL takes no password; use `auth: plain`, or leave it out';
    report({ path: ['warehouse', 'catalog', 'password'], message });
  }
}

/** Table names, and the names of the Hive tables that come with them, must not meet. */
function checkNames({ tables }: Checked, report: Report): void {
  const owners = new Map<string, { table: string; what: string }>();
  tables.forEach((table, index) => {
    if (!table) return;
    const path = ['tables', index, 'name'];
    for (const [what, hiveTable] of Object.entries<string>({ ...derivedTables(table) })) {
      const owner = owners.get(hiveTable);
      owners.set(hiveTable, owner ?? { table: table.name, what });
      if (!owner) continue;
      const message =
        owner.table === table.name
          ? `there are two tables "${table.name}"; names must be unique`
          : `the ${what} of "${table.name}" and the ${owner.what} of "${owner.table}" would both be the Hive table "${hiveTable}"`;
      report({ path, message });
      return;
    }
  });
}

function checkTopics({ ingest, tables, kafka }: Checked, report: Report): void {
  const clusters = Object.keys(kafka);
  const topics = new Set<string>();
  for (const table of tables) {
    if (!table) return; // A table that cannot be read may be the one that reads the topic.
    const cluster = table.from.kafka ?? clusters[0] ?? '';
    topics.add(table.from.topic);
    topics.add(`${cluster}/${table.from.topic}`);
  }
  for (const topic of Object.keys(ingest?.topics ?? {})) {
    if (topics.has(topic)) continue;
    report({
      path: ['ingest', 'topics', topic],
      at: 'key',
      message: `no table reads the topic "${topic}"`,
      suggestion: suggest(topic, topics),
    });
  }
}
