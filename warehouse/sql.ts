import { TributaryError } from '../common/errors.js';
import type { CatalogColumn, CatalogPartition, CatalogTable, PartitionValues } from './catalog.js';

/** An identifier for HiveQL. */
export function hiveName(name: string): string {
  return '`' + checkedName(name).replaceAll('`', '``') + '`';
}

/** `database`.`table` for HiveQL. */
export function hiveTable(database: string, table: string): string {
  return `${hiveName(database)}.${hiveName(table)}`;
}

/**
 * A string literal for HiveQL. `$` is escaped as well: HiveServer2 replaces `${hiveconf:…}` in the text of a statement
 * before it parses it, string literals included.
 */
export function hiveString(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "\\'")
    .replaceAll('$', '\\u0024')
    .replaceAll('\0', '\\0')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r');
  return `'${escaped}'`;
}

/** An identifier for DuckDB. */
export function duckName(name: string): string {
  return '"' + checkedName(name).replaceAll('"', '""') + '"';
}

/** A string literal for DuckDB; NUL has no literal there. */
export function duckString(text: string): string {
  if (!text.includes('\0')) return `'${text.replaceAll("'", "''")}'`;
  return text
    .split('\0')
    .map((part) => duckString(part))
    .join(' || chr(0) || ');
}

/** A Hive type as it may stand in a statement. */
export function hiveType(type: string): string {
  if (!/^[A-Za-z][A-Za-z0-9_<>,:() ]*$/.test(type)) {
    throw new TributaryError({
      code: 'InvalidSql',
      message: `Not a Hive type: ${JSON.stringify(type.slice(0, 200))}`,
    });
  }
  return type;
}

export function createDatabase(database: string): string {
  return `CREATE DATABASE IF NOT EXISTS ${hiveName(database)}`;
}

export function useDatabase(database: string): string {
  return `USE ${hiveName(database)}`;
}

/** External, Parquet, all partition columns strings; dropping the table never removes files. */
export function createTable(database: string, table: CatalogTable): string {
  const properties = { 'external.table.purge': 'false', ...table.properties };
  return [
    `CREATE EXTERNAL TABLE IF NOT EXISTS ${hiveTable(database, table.name)} (${columnList(table.columns)})`,
    ...(table.comment === undefined ? [] : [`COMMENT ${hiveString(table.comment)}`]),
    ...(table.partitionColumns.length === 0
      ? []
      : [`PARTITIONED BY (${columnList(table.partitionColumns.map((name) => ({ name, type: 'string' })))})`]),
    'STORED AS PARQUET',
    `LOCATION ${hiveString(table.location)}`,
    `TBLPROPERTIES (${assignments(properties)})`,
  ].join('\n');
}

/** CASCADE: without it the old partitions keep their own column list and show NULL for the new columns. */
export function addColumns(database: string, table: string, columns: CatalogColumn[]): string {
  return `ALTER TABLE ${hiveTable(database, table)} ADD COLUMNS (${columnList(columns)}) CASCADE`;
}

/** Gives a column another type, in the table and in its partitions; files stay as they are. */
export function changeColumn(database: string, table: string, column: CatalogColumn): string {
  return `ALTER TABLE ${hiveTable(database, table)} CHANGE COLUMN ${hiveName(column.name)} ${columnList([column])} CASCADE`;
}

export function addPartitions(database: string, table: string, partitions: CatalogPartition[]): string {
  const clauses = partitions.map(
    (partition) => `${partitionClause(partition.values)} LOCATION ${hiveString(partition.location)}`,
  );
  return `ALTER TABLE ${hiveTable(database, table)} ADD IF NOT EXISTS\n${clauses.join('\n')}`;
}

export function setLocation(database: string, table: string, partition: CatalogPartition): string {
  return `${alterPartition(database, table, partition.values)} SET LOCATION ${hiveString(partition.location)}`;
}

export function dropPartition(database: string, table: string, values: PartitionValues): string {
  return `ALTER TABLE ${hiveTable(database, table)} DROP IF EXISTS ${partitionClause(values)}`;
}

/**
 * Sets parameters of a partition. HiveQL has no SET TBLPROPERTIES for a partition, and UPDATE STATISTICS takes no keys
 * but numRows and rawDataSize; SERDEPROPERTIES are the only free ones, kept in the partition's storage descriptor.
 */
export function setPartitionParameters(
  database: string,
  table: string,
  values: PartitionValues,
  parameters: Record<string, string>,
): string {
  return `${alterPartition(database, table, values)} SET SERDEPROPERTIES (${assignments(parameters)})`;
}

export function describeFormatted(database: string, table: string, partition?: PartitionValues): string {
  const clause = partition === undefined ? '' : ` ${partitionClause(partition)}`;
  return `DESCRIBE FORMATTED ${hiveTable(database, table)}${clause}`;
}

export function showPartitions(database: string, table: string): string {
  return `SHOW PARTITIONS ${hiveTable(database, table)}`;
}

/** `CAST(e AS STRING) AS name` for each expression: the only way in which results come back exact from Hive. */
export function textColumns(expressions: Record<string, string>): string {
  return Object.entries(expressions)
    .map(([name, expression]) => `CAST(${expression} AS STRING) AS ${hiveName(name)}`)
    .join(', ');
}

/** `PARTITION (dt='2026-01-01', hh='03')`, columns sorted by name. */
export function partitionClause(values: PartitionValues): string {
  const names = Object.keys(values).sort();
  return `PARTITION (${names.map((name) => `${hiveName(name)}=${hiveString(values[name] ?? '')}`).join(', ')})`;
}

function alterPartition(database: string, table: string, values: PartitionValues): string {
  return `ALTER TABLE ${hiveTable(database, table)} ${partitionClause(values)}`;
}

function columnList(columns: CatalogColumn[]): string {
  return columns
    .map((column) => {
      const comment = column.comment === undefined ? '' : ` COMMENT ${hiveString(column.comment)}`;
      return `${hiveName(column.name)} ${hiveType(column.type)}${comment}`;
    })
    .join(', ');
}

function assignments(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([key, value]) => `${hiveString(key)}=${hiveString(value)}`)
    .join(', ');
}

function checkedName(name: string): string {
  if (name === '' || name.includes('\0')) {
    throw new TributaryError({ code: 'InvalidSql', message: `Not a name: ${JSON.stringify(name)}` });
  }
  return name;
}
