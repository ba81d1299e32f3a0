import { formatHiveType, parseHiveType, type HiveType, type PrimitiveName } from '../../config/hive-type.js';
import { duckName } from '../sql.js';

const PRIMITIVES: Record<PrimitiveName, string> = {
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
    case 'decimal':
      // Fewer digits would be INT32 or INT64 in Parquet, and Hive misreads those once the column's scale has grown.
      return `DECIMAL(${Math.max(19, type.precision)},${type.scale})`;
    case 'varchar':
    case 'char':
      return 'VARCHAR';
    case 'array':
      return `${duckTypeOf(type.element)}[]`;
    case 'map':
      return `MAP(${duckTypeOf(type.key)}, ${duckTypeOf(type.value)})`;
    case 'struct':
      return `STRUCT(${type.fields.map((f) => `${duckName(f.name)} ${duckTypeOf(f.type)}`).join(', ')})`;
    default:
      return PRIMITIVES[type.kind];
  }
}

/** Spelling of a type that is equal for types whose key texts (see `keyText`) are equal. */
export function keyTextClass(hiveType: string): string {
  const type = parseHiveType(hiveType);
  if (/int$/.test(type.kind)) return 'integer';
  if (['varchar', 'char', 'string'].includes(type.kind)) return 'text';
  return formatHiveType(type);
}

/** DuckDB SQL of a key value as text that no release of DuckDB may write in another way. */
export function keyText(column: string, hiveType: string): string {
  switch (parseHiveType(hiveType).kind) {
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
