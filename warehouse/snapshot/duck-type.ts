import { formatHiveType, parseHiveType, type HiveType } from '../../config/hive-type.js';
import { duckName } from '../sql.js';

const PRIMITIVES: Record<string, string> = {
  tinyint: 'TINYINT',
  smallint: 'SMALLINT',
  int: 'INTEGER',
  bigint: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  string: 'VARCHAR',
  binary: 'BLOB',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
};

/** The DuckDB type whose Parquet form Hive reads as the given type. */
export function duckType(hiveType: string): string {
  return duckTypeOf(parseHiveType(hiveType));
}

function duckTypeOf(type: HiveType): string {
  switch (type.kind) {
    case 'primitive':
      return PRIMITIVES[type.name]!;
    case 'decimal':
      // Fewer digits would be INT32 or INT64 in Parquet, and Hive misreads those once the column's scale has grown.
      return `DECIMAL(${Math.max(19, type.precision)},${type.scale})`;
    case 'text':
      return 'VARCHAR';
    case 'array':
      return `${duckTypeOf(type.item)}[]`;
    case 'map':
      return `MAP(${duckTypeOf(type.key)}, ${duckTypeOf(type.value)})`;
    case 'struct':
      return `STRUCT(${type.fields.map((f) => `${duckName(f.name)} ${duckTypeOf(f.type)}`).join(', ')})`;
  }
}

/** Spelling of a type that is equal for types whose key texts (see `keyText`) are equal. */
export function keyTextClass(hiveType: string): string {
  const type = parseHiveType(hiveType);
  if (type.kind === 'primitive' && /int$/.test(type.name)) return 'integer';
  if (type.kind === 'text' || (type.kind === 'primitive' && type.name === 'string')) return 'text';
  return formatHiveType(type);
}

/** DuckDB SQL of a key value as text that no release of DuckDB may write in another way. */
export function keyText(column: string, hiveType: string): string {
  const type = parseHiveType(hiveType);
  if (type.kind !== 'primitive') return `CAST(${column} AS VARCHAR)`;
  switch (type.name) {
    case 'binary':
      return `hex(${column})`;
    case 'float':
    case 'double':
      return `printf('%.17e', CAST(${column} AS DOUBLE))`;
    case 'timestamp':
      return `CAST(epoch_us(${column}) AS VARCHAR)`;
    default:
      return `CAST(${column} AS VARCHAR)`;
  }
}
