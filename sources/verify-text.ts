import { parseHiveType } from '../config/hive-type.js';
import { duckName, duckString } from '../warehouse/sql.js';
import { sourceError } from './errors.js';
import { baseType, isBytes, mysqlName, mysqlString, valueExpression } from './mysql-sql.js';
import type { SourceTable } from './mysql-table.js';
import type { MirrorColumn } from './mysql-values.js';

/**
 * Both sides of a comparison write a value as the same text: in MySQL's SQL at the source, in DuckDB's SQL over the files of
 * the snapshot. Rows are then compared by MD5 of their texts, next to the data on both sides.
 */
export interface ComparedColumn {
  name: string;
  /** MySQL expression of the text; NULL stays NULL. */
  source: string;
  /** DuckDB expression of the text. */
  mirror: string;
  /** JSON texts are compared without blanks, and by value before a difference is reported. */
  json: boolean;
}

/**
 * The comparison of every column that both sides have.
 * @param zone of the mirror; TIMESTAMP columns are its wall clock there
 */
export function comparedColumns(
  table: SourceTable,
  columns: readonly MirrorColumn[],
  zone: string,
): ComparedColumn[] {
  return comparedInAll([{ table, columns }], zone)[0]!;
}

/** One of the tables that a mirror is made of, and the mirror's columns as they come from it. */
export interface ComparedTable {
  table: SourceTable;
  columns: readonly MirrorColumn[];
}

/**
 * The same for shards, for each of them: all compare the same columns, so that their sums add up to the mirror's. One that a shard
 * lacks is NULL in its rows.
 * @throws TributaryError SourceUnsuitable if two shards have a column in types that are written differently
 */
export function comparedInAll(tables: readonly ComparedTable[], zone: string): ComparedColumn[][] {
  const found = tables.map(({ table, columns }) =>
    columns.map(({ source }) =>
      table.columns.find(({ name }) => name.toLowerCase() === source.toLowerCase()),
    ),
  );
  return tables.map(({ columns }, t) =>
    columns.flatMap((column, i): ComparedColumn[] => {
      const { name, constant, type: hiveType } = column;
      if (constant !== undefined) {
        const source = `CONVERT(${mysqlString(constant)} USING utf8mb4)`;
        return [{ name, source, mirror: duckName(name), json: false }];
      }
      const owner = found.find((own) => own[i])?.[i];
      if (!owner) return [];
      const own = found[t]![i];
      if (own && notation(own.type) !== notation(owner.type))
        throw differentTypes(name, own.type, owner.type);
      return [
        {
          name,
          source: own ? sourceText(own.name, own.type, hiveType, zone) : 'NULL',
          mirror: mirrorText(duckName(name), owner.type, hiveType),
          json: baseType(owner.type) === 'json',
        },
      ];
    }),
  );
}

/** Types of one notation are written alike, whatever their sizes. */
function notation(type: string): string {
  const base = baseType(type);
  if (/int$|^integer$/.test(base)) return 'int';
  if (base === 'decimal' || base === 'numeric') return scaleOf(type) > 0 ? 'decimal' : 'int';
  return /char$|text$/.test(base) ? 'text' : base;
}

function differentTypes(name: string, a: string, b: string): Error {
  return sourceError(
    'SourceUnsuitable',
    `Column ${name} is ${a} in one shard and ${b} in another: their values are not written alike, so they cannot be compared with the mirror.`,
    { column: name },
  );
}

/** Those of `columns` that are the key, in the key's order. @throws TributaryError SourceUnsuitable if one is missing */
export function keyColumns(columns: readonly ComparedColumn[], key: readonly string[]): ComparedColumn[] {
  return key.map((name) => {
    const found = columns.find((column) => column.name === name);
    if (found) return found;
    throw sourceError('SourceUnsuitable', `The source has no column for ${name} of the mirror's key.`, {
      column: name,
    });
  });
}

type Zone = string;

function sourceText(name: string, type: string, hiveType: string, zone: Zone): string {
  const column = mysqlName(name);
  const asText = (expression: string): string => `CONVERT(${expression} USING utf8mb4)`;
  const base = baseType(type);
  if (isBytes(type)) return asText(isHive(hiveType, 'string') ? `LOWER(HEX(${column}))` : `HEX(${column})`);
  switch (base) {
    case 'float':
    case 'double':
    case 'real':
      return mysqlDigits(asText(valueExpression(name, type)));
    case 'decimal':
    case 'numeric':
      return scaleOf(type) > 0
        ? `TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM ${asText(column)}))`
        : asText(column);
    case 'json':
      return `REPLACE(${asText(column)}, ' ', '')`;
    case 'date':
    case 'datetime':
    case 'timestamp':
      return sourceTime(column, base, hiveType, zone);
    default:
      return asText(valueExpression(name, type));
  }
}

function sourceTime(column: string, base: string, hiveType: string, zone: Zone): string {
  const text = `CAST(${column} AS CHAR)`;
  const local =
    base === 'timestamp' ? `CONVERT_TZ(${column}, '+00:00', '${zone.replaceAll("'", "''")}')` : column;
  if (isHive(hiveType, 'string') && base !== 'timestamp') return `CONVERT(${text} USING utf8mb4)`;
  const zero = `(LEFT(${text}, 4) = '0000' OR SUBSTR(${text}, 6, 2) = '00' OR SUBSTR(${text}, 9, 2) = '00')`;
  const format = base === 'date' && isHive(hiveType, 'date') ? '%Y-%m-%d' : '%Y-%m-%d %H:%i:%s.%f';
  return `IF(${zero}, NULL, CONVERT(DATE_FORMAT(${local}, '${format}') USING utf8mb4))`;
}

function mirrorText(column: string, type: string, hiveType: string): string {
  const base = baseType(type);
  const target = parseHiveType(hiveType);
  const text = `CAST(${column} AS VARCHAR)`;
  if (target.kind === 'decimal') return target.scale > 0 ? `rtrim(rtrim(${text}, '0'), '.')` : text;
  if (base === 'json') return `replace(${text}, ' ', '')`;
  const timed = base === 'date' || base === 'datetime' || base === 'timestamp';
  // A TIMESTAMP kept as text has lost its trailing zeros; the source writes six digits.
  if (timed && isHive(hiveType, 'string')) {
    if (base !== 'timestamp') return text;
    return `strftime(try_cast(${column} AS TIMESTAMP), '%Y-%m-%d %H:%M:%S.%f')`;
  }
  if (isHive(hiveType, 'timestamp')) return `strftime(${column}, '%Y-%m-%d %H:%M:%S.%f')`;
  if (isHive(hiveType, 'date')) return text;
  if (isHive(hiveType, 'binary')) return `hex(${column})`;
  if (isHive(hiveType, 'boolean')) return `CAST(CAST(${column} AS INTEGER) AS VARCHAR)`;
  if (base === 'decimal' || base === 'numeric')
    return scaleOf(type) > 0 ? `rtrim(rtrim(${text}, '0'), '.')` : text;
  if (base === 'float' || base === 'double' || base === 'real') {
    return duckDigits(isHive(hiveType, 'float') ? `CAST(CAST(${column} AS DOUBLE) AS VARCHAR)` : text);
  }
  return text;
}

/**
 * Digits and exponent of a floating-point text: `1e300`, `1e+300` and `1.0E300` are `1e300`. Both sides print the shortest
 * digits that read back as the same number; only their notation differs.
 */
function mysqlDigits(text: string): string {
  const t = `LOWER(${text})`;
  const mantissa = `REPLACE(SUBSTRING_INDEX(${t}, 'e', 1), '-', '')`;
  const exponent = `IF(LOCATE('e', ${t}) > 0, CAST(SUBSTRING_INDEX(${t}, 'e', -1) AS SIGNED), 0)`;
  const fraction = `IF(LOCATE('.', ${mantissa}) > 0, SUBSTRING_INDEX(${mantissa}, '.', -1), '')`;
  const lead = `TRIM(LEADING '0' FROM REPLACE(${mantissa}, '.', ''))`;
  const digits = `TRIM(TRAILING '0' FROM ${lead})`;
  const sign = `IF(LEFT(${t}, 1) = '-', '-', '')`;
  const power = `${exponent} - CHAR_LENGTH(${fraction}) + CHAR_LENGTH(${lead}) - CHAR_LENGTH(${digits})`;
  return `IF(${digits} = '', IF(${text} IS NULL, NULL, '0'), CONCAT(${sign}, ${digits}, 'e', ${power}))`;
}

function duckDigits(text: string): string {
  const t = `lower(${text})`;
  const mantissa = `replace(split_part(${t}, 'e', 1), '-', '')`;
  const exponent = `coalesce(TRY_CAST(nullif(split_part(${t}, 'e', 2), '') AS INTEGER), 0)`;
  const fraction = `split_part(${mantissa}, '.', 2)`;
  const lead = `ltrim(replace(${mantissa}, '.', ''), '0')`;
  const digits = `rtrim(${lead}, '0')`;
  const sign = `CASE WHEN starts_with(${t}, '-') THEN '-' ELSE '' END`;
  const power = `${exponent} - length(${fraction}) + length(${lead}) - length(${digits})`;
  return `CASE WHEN ${digits} = '' THEN '0' ELSE ${sign} || ${digits} || 'e' || (${power}) END`;
}

function isHive(hiveType: string, name: string): boolean {
  const { kind } = parseHiveType(hiveType);
  return (kind === 'varchar' || kind === 'char' ? 'string' : kind) === name;
}

function scaleOf(type: string): number {
  return Number(/\(\d+\s*,\s*(\d+)\)/.exec(type)?.[1] ?? 0);
}

/** MySQL: the MD5 of several texts, NULLs told from everything else. */
export function mysqlMd5(columns: readonly ComparedColumn[]): string {
  const pieces = columns.map(({ source }) => `IFNULL(CONCAT(LENGTH(${source}), ':', ${source}), 'N')`);
  return `MD5(CONCAT_WS(',', ${pieces.join(', ')}))`;
}

/** DuckDB: the same. */
export function duckMd5(columns: readonly ComparedColumn[]): string {
  const pieces = columns.map(({ mirror }) => `coalesce(strlen(${mirror}) || ':' || ${mirror}, 'N')`);
  return `md5(concat_ws(',', ${pieces.join(', ')}))`;
}

/** DuckDB: a JSON object of the texts. */
export function duckTexts(columns: readonly ComparedColumn[]): string {
  const members = columns.map(({ name, mirror }) => `${duckString(name)}, ${mirror}`);
  return `CAST(json_object(${members.join(', ')}) AS VARCHAR)`;
}
