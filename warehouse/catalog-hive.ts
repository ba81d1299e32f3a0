import type {
  Catalog,
  CatalogColumn,
  CatalogPartition,
  CatalogTable,
  ExecuteOptions,
  PartitionValues,
} from './catalog.js';
import { checkColumns, columnChanges, columnConflict, missingColumns } from './catalog-columns.js';
import type { HiveConnectionOptions, RunOptions } from './hive-connection.js';
import { parseDescription, type HiveDescription } from './hive-describe.js';
import {
  DATABASE_NOT_FOUND,
  DUPLICATE_COLUMN,
  HiveStatementError,
  PARTITION_NOT_FOUND,
  TABLE_NOT_FOUND,
  toCatalogError,
} from './hive-errors.js';
import { HivePool } from './hive-pool.js';
import type { HiveRow } from './hive-rows.js';
import { parsePartitionPath } from './layout.js';
import * as sql from './sql.js';

export interface HiveCatalogOptions extends Omit<HiveConnectionOptions, 'settings'> {
  database: string;
  settings?: Record<string, string>;
  /** Longest time for one statement. Default 2 hours. */
  statementTimeoutMs?: number;
  /** Sessions at once. Default 2. */
  sessions?: number;
}

/** Settings of every session: counts by reading, never by statistics; result columns named as the query names them. */
const SETTINGS = {
  'hive.compute.query.using.stats': 'false',
  'hive.resultset.use.unique.column.names': 'false',
};

const PARTITIONS_A_STATEMENT = 200;
const DEFAULT_TIMEOUT_MS = 7_200_000;

/** Hive's metastore and queries through HiveServer2, for one database. Tables may be named without it in `query` and `execute`. */
export class HiveCatalog implements Catalog {
  readonly kind = 'hive';
  readonly database: string;
  private readonly pool: HivePool;
  private readonly server: string;
  private readonly timeoutMs: number;

  constructor(options: HiveCatalogOptions) {
    const { database, settings, statementTimeoutMs, sessions = 2, ...connection } = options;
    this.database = database;
    this.server = `${options.host}:${options.port}`;
    this.timeoutMs = statementTimeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.pool = new HivePool({ ...connection, settings: { ...SETTINGS, ...settings } }, sessions);
  }

  async ensureTable(
    table: CatalogTable,
    signal?: AbortSignal,
  ): Promise<{ created: boolean; addedColumns: string[] }> {
    checkColumns(table);
    const before = await this.description(table.name, signal);
    if (before === undefined) {
      await this.run(sql.createDatabase(this.database), signal);
      await this.run(sql.createTable(this.database, table), signal);
    }
    // Looked at again: someone else may have made the table at the same time, with other columns.
    const there = before ?? (await this.description(table.name, signal));
    if (there === undefined) return { created: true, addedColumns: [] };
    checkTable(table, there);
    const { missing, widen } = columnChanges(table, there.columns);
    for (const column of widen) {
      // Repeating it is harmless: another worker may have been faster.
      await this.run(sql.changeColumn(this.database, table.name, column), signal);
    }
    if (missing.length > 0) await this.addColumns(table, missing, signal);
    if (missing.length + widen.length > 0) await this.checkCascade(table, signal);
    return { created: before === undefined, addedColumns: missing.map((column) => column.name) };
  }

  async describe(table: string, signal?: AbortSignal): Promise<CatalogColumn[] | undefined> {
    return (await this.description(table, signal))?.columns;
  }

  async addPartitions(table: string, partitions: CatalogPartition[], signal?: AbortSignal): Promise<void> {
    for (let i = 0; i < partitions.length; i += PARTITIONS_A_STATEMENT) {
      const some = partitions.slice(i, i + PARTITIONS_A_STATEMENT);
      await this.run(sql.addPartitions(this.database, table, some), signal);
    }
  }

  async movePartition(table: string, partition: CatalogPartition, signal?: AbortSignal): Promise<void> {
    const move = sql.setLocation(this.database, table, partition);
    const moved = await this.unless([PARTITION_NOT_FOUND], move, signal);
    if (moved !== undefined) return;
    await this.addPartitions(table, [partition], signal);
    // Someone else may have added it meanwhile, with another location.
    await this.run(move, signal);
  }

  async setPartitionParameters(
    table: string,
    values: PartitionValues,
    parameters: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.run(sql.setPartitionParameters(this.database, table, values, parameters), signal);
  }

  async partitionLocation(
    table: string,
    values: PartitionValues,
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    return (await this.partition(table, values, signal))?.facts['Location'];
  }

  async partitionParameters(
    table: string,
    values: PartitionValues,
    signal?: AbortSignal,
  ): Promise<Record<string, string>> {
    const all = (await this.partition(table, values, signal))?.parameters ?? {};
    return Object.fromEntries(Object.entries(all).filter(([name]) => name.startsWith('tributary.')));
  }

  async listPartitions(table: string, signal?: AbortSignal): Promise<PartitionValues[]> {
    const rows = await this.unless(
      [TABLE_NOT_FOUND, DATABASE_NOT_FOUND],
      sql.showPartitions(this.database, table),
      signal,
    );
    return (rows ?? []).map((row) => parsePartitionPath(Object.values(row)[0] ?? ''));
  }

  async dropPartition(table: string, values: PartitionValues, signal?: AbortSignal): Promise<void> {
    const drop = sql.dropPartition(this.database, table, values);
    await this.unless([TABLE_NOT_FOUND, DATABASE_NOT_FOUND], drop, signal);
  }

  async query(statement: string, signal?: AbortSignal): Promise<HiveRow[]> {
    try {
      return await this.pool.run(
        statement,
        this.runOptions(signal, { prepare: sql.useDatabase(this.database) }),
      );
    } catch (error) {
      throw toCatalogError(error, statement, this.server);
    }
  }

  async execute(statement: string, options: ExecuteOptions = {}): Promise<void> {
    const { settings = {}, signal, onProgress } = options;
    try {
      const prepare = sql.useDatabase(this.database);
      await this.pool.runAlone(statement, settings, this.runOptions(signal, { prepare, onProgress }));
    } catch (error) {
      throw toCatalogError(error, statement, this.server);
    }
  }

  async close(): Promise<void> {
    await this.pool.close();
  }

  private async addColumns(
    table: CatalogTable,
    missing: CatalogColumn[],
    signal?: AbortSignal,
  ): Promise<void> {
    const added = await this.unless(
      [DUPLICATE_COLUMN],
      sql.addColumns(this.database, table.name, missing),
      signal,
    );
    if (added === undefined) {
      // Another worker was faster; what it added must be what is wanted.
      const there = await this.description(table.name, signal);
      const left = missingColumns(table, there?.columns ?? []);
      if (left.length > 0) await this.run(sql.addColumns(this.database, table.name, left), signal);
    }
  }

  /** A partition without the new columns would show NULL for them for ever, or the old type; the oldest one tells whether CASCADE reached it. */
  private async checkCascade(table: CatalogTable, signal?: AbortSignal): Promise<void> {
    const [oldest] = await this.listPartitions(table.name, signal);
    if (oldest === undefined) return;
    const partition = await this.partition(table.name, oldest, signal);
    if (partition === undefined) return;
    const { missing, widen } = columnChanges(table, partition.columns);
    const [lacking] = [...missing, ...widen];
    if (lacking === undefined) return;
    const statement =
      missing.length > 0
        ? sql.addColumns(this.database, table.name, [lacking])
        : sql.changeColumn(this.database, table.name, lacking);
    throw columnConflict(
      table.name,
      lacking.name,
      `it was changed in the table, but not in the partition ${JSON.stringify(oldest)}; run ${statement}`,
    );
  }

  private async description(table: string, signal?: AbortSignal): Promise<HiveDescription | undefined> {
    const statement = sql.describeFormatted(this.database, table);
    const rows = await this.unless([TABLE_NOT_FOUND, DATABASE_NOT_FOUND], statement, signal);
    return rows === undefined ? undefined : parseDescription(rows);
  }

  private async partition(
    table: string,
    values: PartitionValues,
    signal?: AbortSignal,
  ): Promise<HiveDescription | undefined> {
    const statement = sql.describeFormatted(this.database, table, values);
    const absent = [PARTITION_NOT_FOUND, TABLE_NOT_FOUND, DATABASE_NOT_FOUND];
    const rows = await this.unless(absent, statement, signal);
    return rows === undefined ? undefined : parseDescription(rows);
  }

  /** Runs a statement; undefined if Hive refuses it with one of these numbers. */
  private async unless(
    codes: number[],
    statement: string,
    signal?: AbortSignal,
  ): Promise<HiveRow[] | undefined> {
    try {
      return await this.raw(statement, signal);
    } catch (error) {
      if (error instanceof HiveStatementError && codes.includes(error.code)) return undefined;
      throw toCatalogError(error, statement, this.server);
    }
  }

  private async run(statement: string, signal?: AbortSignal): Promise<HiveRow[]> {
    return (await this.unless([], statement, signal)) ?? [];
  }

  private raw(statement: string, signal: AbortSignal | undefined): Promise<HiveRow[]> {
    return this.pool.run(statement, this.runOptions(signal));
  }

  private runOptions(signal: AbortSignal | undefined, more: Partial<RunOptions> = {}): RunOptions {
    return { timeoutMs: this.timeoutMs, ...(signal === undefined ? {} : { signal }), ...more };
  }
}

function checkTable(wanted: CatalogTable, there: HiveDescription): void {
  if (there.partitionColumns.join() !== wanted.partitionColumns.join()) {
    throw columnConflict(
      wanted.name,
      wanted.partitionColumns.find((name, i) => there.partitionColumns[i] !== name) ?? '',
      `the table is partitioned by (${there.partitionColumns.join(', ')}), the configuration says (${wanted.partitionColumns.join(', ')})`,
    );
  }
  const type = there.facts['Table Type'] ?? '';
  const format = there.facts['InputFormat'] ?? '';
  if (!type.startsWith('EXTERNAL') || !/parquet/i.test(format)) {
    throw columnConflict(
      wanted.name,
      '*',
      `the table there is ${type} with ${format}, it must be an external Parquet table; choose another name or drop it`,
    );
  }
}
