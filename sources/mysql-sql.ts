import { TIDB_ROWID, type SourceTable } from './mysql-table.js';

/** An identifier for MySQL. */
export function mysqlName(name: string): string {
  return '`' + name.replaceAll('`', '``') + '`';
}

/** A text for MySQL: its bytes in hexadecimal, because a backslash means something else in another `sql_mode`. */
export function mysqlString(text: string): string {
  if (text === '') return `''`;
  return `_utf8mb4 x'${Buffer.from(text, 'utf8').toString('hex')}'`;
}

export function mysqlTable(table: Pick<SourceTable, 'database' | 'table'>): string {
  return `${mysqlName(table.database)}.${mysqlName(table.table)}`;
}

/** First word of a source type. */
export function baseType(type: string): string {
  return /^[a-z]+/.exec(type.trim().toLowerCase())?.[0] ?? '';
}

const BYTES = new Set(['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob', 'geometry']);

/** True for types whose values are bytes and no text. */
export function isBytes(type: string): boolean {
  return BYTES.has(baseType(type));
}

/**
 * The column as an expression whose text is exact: FLOAT prints six digits only unless it is widened, BIT prints bytes.
 */
export function valueExpression(name: string, type: string): string {
  switch (baseType(type)) {
    case 'float':
      return `${mysqlName(name)} * 1e0`;
    case 'bit':
    case 'year':
      return `${mysqlName(name)} + 0`;
    default:
      return mysqlName(name);
  }
}

/** How a key column is ordered, compared and read, so that all three agree with one another. */
export interface KeyColumn {
  /** In ORDER BY. */
  order: string;
  /** Left side of a comparison with a literal. */
  compare: string;
  /** In the select list: its text is what `literal` takes. */
  read: string;
  literal: (value: string) => string;
}

/**
 * ENUM and SET are ordered by their index but compared with texts as texts, so they are taken by index. Texts are
 * compared with the column's own collation; a literal has none that would win over it.
 */
export function keyColumn(name: string, type: string): KeyColumn {
  const order = mysqlName(name);
  const base = baseType(type);
  if (base === 'enum' || base === 'set' || base === 'bit' || base === 'year') {
    return { order, compare: `${order} + 0`, read: `${order} + 0`, literal: plainNumber };
  }
  if (NUMBERS.has(base)) {
    return { order, compare: order, read: valueExpression(name, type), literal: plainNumber };
  }
  if (isBytes(type)) return { order, compare: order, read: `HEX(${order})`, literal: bytesLiteral };
  return { order, compare: order, read: order, literal: mysqlString };
}

function bytesLiteral(hex: string): string {
  if (!/^([0-9A-F]{2})*$/.test(hex)) throw new RangeError(`"${hex}" is not hexadecimal`);
  return hex === '' ? `''` : `x'${hex}'`;
}

const NUMBERS = new Set([
  'tinyint',
  'smallint',
  'mediumint',
  'int',
  'integer',
  'bigint',
  'decimal',
  'numeric',
  'float',
  'double',
  'real',
  'bool',
  'boolean',
]);

function plainNumber(value: string): string {
  if (/^-?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(value)) return value;
  throw new RangeError(`"${value}" is not a number`);
}

/** Key columns of a table's chunks. */
export function chunkKey(table: SourceTable): KeyColumn[] {
  return table.chunkBy.map((name) =>
    name === TIDB_ROWID
      ? { order: TIDB_ROWID, compare: TIDB_ROWID, read: TIDB_ROWID, literal: plainNumber }
      : keyColumn(name, table.columns.find((column) => column.name === name)!.type),
  );
}
