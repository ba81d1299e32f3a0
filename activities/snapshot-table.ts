import { isDocumentTable } from '../changelog/mirror-table.js';
import { applyPatches } from '../changelog/decoders/mongo-patch.js';
import type { LandingTable } from '../changelog/types.js';
import type { TableSpec } from '../config/spec.js';
import type { CatalogTable } from '../warehouse/catalog.js';
import { tableDirectory } from '../warehouse/layout.js';
import { snapshotColumns } from '../warehouse/snapshot/event-sql.js';
import type { FoldPatches, SnapshotTable } from '../warehouse/snapshot/types.js';
import type { Storage } from '../warehouse/storage.js';

/** Hive table of a mirror's snapshots. */
export function snapshotTableName(spec: Pick<TableSpec, 'name'>): string {
  return `${spec.name}_snapshot`;
}

/** How long a delete is remembered at least, so that an older insert that comes late does not bring the row back. */
const LEAST_TOMBSTONE_MS = 7 * 86_400_000;

/** How long a table's deletes are remembered, ms. */
export function tombstonesMs({ latenessSeconds }: Pick<TableSpec, 'latenessSeconds'>): number {
  return Math.max(LEAST_TOMBSTONE_MS, latenessSeconds * 1000);
}

const PARTITION_COLUMNS = { day: ['dt'], hour: ['dt', 'hh'], minute: ['dt', 'hh', 'mi'] };

/** The Hive table of a mirror's snapshots. */
export function snapshotCatalogTable(spec: TableSpec, table: SnapshotTable, storage: Storage): CatalogTable {
  const name = snapshotTableName(spec);
  return {
    name,
    columns: snapshotColumns(table),
    partitionColumns: PARTITION_COLUMNS[spec.snapshot!.every],
    location: storage.uri(tableDirectory(name)),
    comment: `Mirror of ${spec.kafka}/${spec.topic} at the end of every ${spec.snapshot!.every}, by Tributary`,
    properties: {
      'tributary.table': spec.name,
      'tributary.timezone': spec.timezone,
      'tributary.key': table.key.join(','),
    },
  };
}

/** How partial updates change a document; undefined for tables that have none. */
export function foldOf(landing: LandingTable): { foldPatches?: FoldPatches } {
  return isDocumentTable(landing) ? { foldPatches: applyPatches } : {};
}
