import { TributaryError } from '../common/errors.js';
import { z } from 'zod';
import type { Catalog, CatalogColumn, CatalogPartition, CatalogTable, PartitionValues } from './catalog.js';
import { checkColumns, columnChanges, columnConflict } from './catalog-columns.js';
import { VersionedFile } from './versioned-file.js';
import { catalogDirectory, parsePartitionPath, partitionPath } from './layout.js';
import type { Storage } from './storage.js';

const tableSchema = z.object({
  version: z.literal(1),
  name: z.string(),
  columns: z.array(z.object({ name: z.string(), type: z.string(), comment: z.string().optional() })),
  partitionColumns: z.array(z.string()),
  location: z.string(),
  comment: z.string().optional(),
  properties: z.record(z.string(), z.string()),
  partitions: z.record(
    z.string(),
    z.object({ location: z.string(), parameters: z.record(z.string(), z.string()) }),
  ),
});
type StoredTable = z.infer<typeof tableSchema>;

/**
 * A catalog without a metastore: a JSON document a table under `_tributary/catalog`, for `status`, tests, and readers
 * that need no Hive.
 */
export class NoneCatalog implements Catalog {
  readonly kind = 'none';

  constructor(private readonly storage: Storage) {}

  async ensureTable(
    table: CatalogTable,
    signal?: AbortSignal,
  ): Promise<{ created: boolean; addedColumns: string[] }> {
    checkColumns(table);
    let outcome = { created: false, addedColumns: [] as string[] };
    await this.change(table.name, signal, (stored) => {
      outcome = { created: false, addedColumns: [] };
      if (stored === undefined) {
        outcome = { created: true, addedColumns: [] };
        return { version: 1, ...table, properties: table.properties ?? {}, partitions: {} };
      }
      checkPartitionColumns(table, stored.partitionColumns);
      const { missing, widen } = columnChanges(table, stored.columns);
      if (missing.length + widen.length === 0) return undefined;
      outcome = { created: false, addedColumns: missing.map((column) => column.name) };
      const types = new Map(widen.map((column) => [column.name.toLowerCase(), column.type]));
      const now = stored.columns.map((column) => ({
        ...column,
        type: types.get(column.name.toLowerCase()) ?? column.type,
      }));
      return { ...stored, columns: [...now, ...missing] };
    });
    return outcome;
  }

  async describe(table: string, signal?: AbortSignal): Promise<CatalogColumn[] | undefined> {
    return (await this.load(table, signal))?.columns;
  }

  async addPartitions(table: string, partitions: CatalogPartition[], signal?: AbortSignal): Promise<void> {
    await this.change(table, signal, (stored) => {
      const known = existing(table, stored);
      const fresh = partitions.filter(({ values }) => known.partitions[partitionPath(values)] === undefined);
      if (fresh.length === 0) return undefined;
      const added = Object.fromEntries(
        fresh.map(({ values, location }) => [partitionPath(values), { location, parameters: {} }]),
      );
      return { ...known, partitions: { ...known.partitions, ...added } };
    });
  }

  async movePartition(table: string, partition: CatalogPartition, signal?: AbortSignal): Promise<void> {
    await this.change(table, signal, (stored) => {
      const known = existing(table, stored);
      const name = partitionPath(partition.values);
      const parameters = known.partitions[name]?.parameters ?? {};
      if (known.partitions[name]?.location === partition.location) return undefined;
      const moved = { [name]: { location: partition.location, parameters } };
      return { ...known, partitions: { ...known.partitions, ...moved } };
    });
  }

  async setPartitionParameters(
    table: string,
    values: PartitionValues,
    parameters: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.change(table, signal, (stored) => {
      const known = existing(table, stored);
      const name = partitionPath(values);
      const before = known.partitions[name];
      if (before === undefined) {
        throw new TributaryError({
          code: 'CatalogRefused',
          message: `Table ${table} has no partition ${name}.`,
          attributes: { table, partition: name },
        });
      }
      if (Object.entries(parameters).every(([key, value]) => before.parameters[key] === value))
        return undefined;
      const after = { ...before, parameters: { ...before.parameters, ...parameters } };
      return { ...known, partitions: { ...known.partitions, [name]: after } };
    });
  }

  async partitionLocation(
    table: string,
    values: PartitionValues,
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    return (await this.load(table, signal))?.partitions[partitionPath(values)]?.location;
  }

  async partitionParameters(
    table: string,
    values: PartitionValues,
    signal?: AbortSignal,
  ): Promise<Record<string, string>> {
    return (await this.load(table, signal))?.partitions[partitionPath(values)]?.parameters ?? {};
  }

  async listPartitions(table: string, signal?: AbortSignal): Promise<PartitionValues[]> {
    const names = Object.keys((await this.load(table, signal))?.partitions ?? {}).sort();
    return names.map(parsePartitionPath);
  }

  async dropPartition(table: string, values: PartitionValues, signal?: AbortSignal): Promise<void> {
    await this.change(table, signal, (stored) => {
      const name = partitionPath(values);
      if (stored?.partitions[name] === undefined) return undefined;
      const left = Object.entries(stored.partitions).filter(([key]) => key !== name);
      return { ...stored, partitions: Object.fromEntries(left) };
    });
  }

  query(): Promise<Record<string, string | null>[]> {
    return Promise.reject(unsupported());
  }

  execute(): Promise<void> {
    return Promise.reject(unsupported());
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private load(table: string, signal?: AbortSignal): Promise<StoredTable | undefined> {
    return this.document(table).read(signal);
  }

  private async change(
    table: string,
    signal: AbortSignal | undefined,
    decide: (stored: StoredTable | undefined) => StoredTable | undefined,
  ): Promise<void> {
    await this.document(table).update(decide, signal);
  }

  private document(table: string): VersionedFile<StoredTable> {
    return new VersionedFile(this.storage, catalogDirectory(table), tableSchema);
  }
}

function existing(table: string, stored: StoredTable | undefined): StoredTable {
  if (stored !== undefined) return stored;
  throw new TributaryError({
    code: 'CatalogTableMissing',
    message: `The catalog has no table ${table}. It is made when the table starts; do not remove its file by hand.`,
    attributes: { table },
  });
}

function checkPartitionColumns(table: CatalogTable, there: string[]): void {
  if (there.join() === table.partitionColumns.join()) return;
  throw columnConflict(
    table.name,
    table.partitionColumns.find((name, i) => there[i] !== name) ?? there[table.partitionColumns.length] ?? '',
    `the table is partitioned by (${there.join(', ')}), the configuration says (${table.partitionColumns.join(', ')})`,
  );
}

function unsupported(): TributaryError {
  return new TributaryError({
    code: 'CatalogUnsupported',
    message:
      'The catalog of kind "none" runs no SQL. Read the Parquet files with DuckDB, or set warehouse.catalog to kind hive.',
  });
}
