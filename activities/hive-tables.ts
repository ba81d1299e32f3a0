import { CHANGE_COLUMNS, RECORD_COLUMNS } from '../config/spec.js';
import type { TableSpec } from '../config/spec.js';
import { isDocumentTable } from '../changelog/mirror-table.js';
import type { LandingTable } from '../changelog/types.js';
import {
  QUARANTINE_COLUMNS,
  quarantineTable,
  TOPIC_QUARANTINE_COLUMNS,
  topicQuarantineTable,
} from '../changelog/quarantine.js';
import { SCHEMA_LOG_COLUMNS, schemaLogTable } from '../changelog/schema-log.js';
import type { CatalogColumn, CatalogTable } from '../warehouse/catalog.js';
import { tableDirectory } from '../warehouse/layout.js';
import type { Storage } from '../warehouse/storage.js';

/** Hive table of a table's landed rows: its own name for logs, `<name>_changelog` for a mirror (design 3). */
export function changelogTable(spec: Pick<TableSpec, 'name' | 'mode'>): string {
  return spec.mode === 'append' ? spec.name : `${spec.name}_changelog`;
}

/** Columns of the landed rows: the table's own, then those that Tributary adds, then the raw record if it is kept. */
export function changelogColumns(landing: LandingTable): CatalogColumn[] {
  const timestamp = landing.spec.timestamps === 'string' ? 'string' : 'timestamp';
  const own = landing.columns.map(({ name, type }) => ({ name, type }));
  const added = [...RECORD_COLUMNS, ...(landing.spec.mode === 'mirror' ? CHANGE_COLUMNS : [])].map(
    ({ name, type }) => ({ name, type: type === 'timestamp' ? timestamp : type }),
  );
  const patch = isDocumentTable(landing) ? [{ name: 'cdc_patch', type: 'string' }] : [];
  const raw = landing.spec.rawColumn === undefined ? [] : [{ name: landing.spec.rawColumn, type: 'string' }];
  return [...own, ...added, ...patch, ...raw];
}

/** Both Hive tables that landing writes. */
export function landedTables(landing: LandingTable, storage: Storage): CatalogTable[] {
  const { spec } = landing;
  const name = changelogTable(spec);
  const quarantine = quarantineTable(spec.name);
  const source = `${spec.kafka}/${spec.topic}`;
  return [
    {
      name,
      columns: changelogColumns(landing),
      partitionColumns: spec.partition === 'hour' ? ['dt', 'hh'] : ['dt'],
      location: storage.uri(tableDirectory(name)),
      comment: `${spec.mode === 'append' ? 'Log' : 'Changes'} of ${source}, landed by Tributary`,
      properties: {
        'tributary.table': spec.name,
        'tributary.source': source,
        'tributary.timezone': spec.timezone,
      },
    },
    {
      name: quarantine,
      columns: [...QUARANTINE_COLUMNS],
      partitionColumns: ['dt'],
      location: storage.uri(tableDirectory(quarantine)),
      comment: `Records of ${source} that could not become rows of ${spec.name}`,
      properties: { 'tributary.table': spec.name, 'tributary.source': source },
    },
  ];
}

/** Hive tables that belong to a topic as a whole: records that no table can claim, and what its log says of schemas. */
export function topicTables(landings: LandingTable[], storage: Storage): CatalogTable[] {
  const sources = new Map(landings.map(({ spec }) => [spec.topic, `${spec.kafka}/${spec.topic}`]));
  return [...sources].flatMap(([topic, source]) => {
    const table = (name: string, columns: readonly CatalogColumn[], comment: string): CatalogTable => ({
      name,
      columns: [...columns],
      partitionColumns: ['dt'],
      location: storage.uri(tableDirectory(name)),
      comment,
      properties: { 'tributary.source': source },
    });
    return [
      table(
        topicQuarantineTable(topic),
        TOPIC_QUARANTINE_COLUMNS,
        `Records of ${source} that no table can claim`,
      ),
      table(schemaLogTable(topic), SCHEMA_LOG_COLUMNS, `Schema changes that the log of ${source} has told`),
    ];
  });
}

/** All Hive tables that a commit of these members may touch, by name. */
export function catalogTables(landings: LandingTable[], storage: Storage): Record<string, CatalogTable> {
  const tables = [
    ...landings.flatMap((landing) => landedTables(landing, storage)),
    ...topicTables(landings, storage),
  ];
  return Object.fromEntries(tables.map((table) => [table.name, table]));
}
