import { ident, lit } from '../warehouse/duckdb.js';
import type { HiveType } from '../config/hive-type.js';
import { dateSql, wallSql } from './time-sql.js';
import type { ZoneClock } from './zone-clock.js';

/** What a conversion needs to know of the table. */
export interface FitContext {
  zone: ZoneClock;
  /** `string`: timestamps are written as text. */
  timestamps: 'native' | 'string';
}

/** True if every text fits the type, so that a NULL is always a NULL of the source. */
export function alwaysFits(type: HiveType): boolean {
  return type.kind === 'string' || type.kind === 'binary';
}

/** DuckDB's name of the type a column is written with. */
export function duckType(type: HiveType, context: FitContext): string {
  switch (type.kind) {
    case 'int':
      return 'INTEGER';
    case 'string':
    case 'char':
    case 'varchar':
      return 'VARCHAR';
    case 'binary':
      return 'BLOB';
    case 'timestamp':
      return context.timestamps === 'string' ? 'VARCHAR' : 'TIMESTAMP';
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`;
    case 'array':
      return `${duckType(type.element, context)}[]`;
    case 'map':
      return `MAP(${duckType(type.key, context)}, ${duckType(type.value, context)})`;
    case 'struct':
      return `STRUCT(${type.fields.map((f) => `${ident(f.name)} ${duckType(f.type, context)}`).join(', ')})`;
    default:
      return type.kind.toUpperCase();
  }
}

/** Decimals of fewer digits are INT32 or INT64 in Parquet, and Hive misreads those once the column has grown. */
const WRITTEN_PRECISION = 19;

/** SQL of a value as it goes into the file. */
export function writtenSql(type: HiveType, value: string): string {
  if (type.kind !== 'decimal' || type.precision >= WRITTEN_PRECISION) return value;
  return `${value}::DECIMAL(${WRITTEN_PRECISION},${type.scale})`;
}

/** True for types that are read from JSON text, not from a scalar's text. */
export function isNested(type: HiveType): boolean {
  return type.kind === 'array' || type.kind === 'map' || type.kind === 'struct';
}

/**
 * SQL that turns `text` (a column or a short expression: it is repeated) into the type's value. It gives NULL exactly
 * where the text is NULL or does not fit. Nested types take JSON text. `utc` is a column with `utcMicros` of the text, if there is one.
 */
export function fitSql(type: HiveType, text: string, context: FitContext, utc?: string): string {
  switch (type.kind) {
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
      return integerSql(duckType(type, context), text);
    case 'float':
    case 'double':
      return floatSql(duckType(type, context), text);
    case 'boolean':
      return `CASE WHEN ${text} IN ('true', '1') THEN true WHEN ${text} IN ('false', '0') THEN false WHEN lower(${text}) = 'true' THEN true WHEN lower(${text}) = 'false' THEN false END`;
    case 'decimal':
      return decimalSql(type.precision, type.scale, text);
    case 'string':
      return text;
    case 'char':
    case 'varchar':
      return `CASE WHEN length(${text}) <= ${type.length} THEN ${text} END`;
    case 'binary':
      return `encode(${text})`;
    case 'date':
      return dateSql(text, context.zone);
    case 'timestamp': {
      const wall = wallSql(text, context.zone, utc);
      return context.timestamps === 'string' ? `(${wall})::VARCHAR` : wall;
    }
    default:
      return nestedSql(type, text, context, 0);
  }
}

/**
 * DuckDB rounds '1.5' to 2 and reads '0x10' and '1_000'. A text that its number is written as is fine, and so are zeros in front,
 * 1.0 or 1e3, where nothing is lost.
 */
function integerSql(type: string, text: string): string {
  const value = `try_cast(${text} AS ${type})`;
  const wide = `try_cast(${text} AS DECIMAL(38,15))`;
  return (
    `CASE WHEN ${value}::VARCHAR = ${text} THEN ${value} ` +
    `WHEN regexp_full_match(${text}, '-?[0-9]+(\\.[0-9]{0,15})?([eE]\\+?[0-9]{1,2})?') AND ${wide} = trunc(${wide}) ` +
    `THEN try_cast(trunc(${wide}) AS ${type}) END`
  );
}

/** What DuckDB's cast reads beyond plain numbers: blanks, digit separators, words, and numbers too large as infinity. */
function floatSql(type: string, text: string): string {
  const value = `try_cast(${text} AS ${type})`;
  return (
    `CASE WHEN isfinite(${value}) AND NOT contains(${text}, '_') AND NOT contains(${text}, ' ') THEN ${value} ` +
    `WHEN ${text} IN ('NaN', 'Infinity', '-Infinity') THEN ${value} END`
  );
}

/**
 * Exact or NULL. Digits beyond the scale fit only if they are zeros. A cast of text to a decimal wider than 18 digits costs
 * a hundred times the narrow one, so short texts take the narrow one. Most texts are what the number is written as: to see that costs
 * less than an expression.
 */
function decimalSql(precision: number, scale: number, text: string): string {
  const type = `DECIMAL(${precision},${scale})`;
  const whole = precision - scale;
  const fraction = scale === 0 ? '' : `(\\.[0-9]{0,${scale}})?`;
  const plain = lit(`-?${whole === 0 ? '0' : `[0-9]{1,${whole}}`}${fraction}`);
  const padded = lit(`-?0*[0-9]{0,${whole}}(\\.[0-9]{0,${scale}}0*)?`);
  const cast =
    precision > 18 && scale <= 16
      ? `CASE WHEN strlen(${text}) <= ${18 - scale} THEN try_cast(${text} AS DECIMAL(18,${scale}))::${type} ELSE try_cast(${text} AS ${type}) END`
      : `try_cast(${text} AS ${type})`;
  const fractionDigits = `strlen(regexp_extract(${text}, '\\.([0-9]*)', 1)) - coalesce(try_cast(regexp_extract(${text}, '[eE]\\+?(-?[0-9]+)', 1) AS INTEGER), 0)`;
  const widest = Math.min(38, scale + 10);
  const wide = `try_cast(${text} AS DECIMAL(38,${widest}))`;
  return (
    `CASE ${precision > 18 ? '' : `WHEN ${cast}::VARCHAR = ${text} THEN ${cast} `}WHEN regexp_full_match(${text}, ${plain}) THEN ${cast} ` +
    `WHEN regexp_full_match(${text}, ${padded}) AND regexp_matches(${text}, '[0-9]') THEN ${cast} ` +
    `WHEN regexp_full_match(${text}, '-?[0-9]+(\\.[0-9]+)?[eE][-+]?[0-9]{1,3}') AND ${fractionDigits} <= ${widest} ` +
    `AND try_cast(${wide} AS ${type}) = ${wide} THEN try_cast(${wide} AS ${type}) END`
  );
}

/** One level of JSON at a time, so that a wrong kind at any depth does not fit instead of turning NULL. */
function nestedSql(type: HiveType, json: string, context: FitContext, depth: number): string {
  const x = `x${depth}`;
  switch (type.kind) {
    case 'array': {
      const items = `from_json(${json}, '["JSON"]')`;
      return allOrNull(
        items,
        type.element,
        x,
        `list_transform(${items}, lambda ${x}: ${inner(type.element, x, context, depth)})`,
        context,
        depth,
      );
    }
    case 'map': {
      const entries = `map_entries(from_json(${json}, '"MAP(VARCHAR, JSON)"'))`;
      const key = fitSql(type.key, `${x}.key`, context);
      const value = inner(type.value, `${x}.value`, context, depth);
      const good = `${key} IS NOT NULL AND (${x}.value IS NULL OR ${value} IS NOT NULL)`;
      const keys = `list_transform(${entries}, lambda ${x}: ${x}.key)`;
      return (
        `CASE WHEN json_type(${json}) = 'OBJECT' AND coalesce(list_bool_and(list_transform(${entries}, lambda ${x}: ${good})), true) ` +
        `AND len(list_distinct(${keys})) = len(${keys}) ` +
        `THEN map_from_entries(list_transform(${entries}, lambda ${x}: {'key': ${key}, 'value': ${value}})) END`
      );
    }
    case 'struct': {
      // Each level is bound to a name, or its text would be repeated for every member of every level below it.
      const [own, members] = [`j${depth}`, `m${depth}`];
      const structure = JSON.stringify(Object.fromEntries(type.fields.map(({ name }) => [name, 'JSON'])));
      const found = type.fields.map(({ name }) => `${lit(name)}: ${memberSql(own, structure, name, depth)}`);
      const fields = type.fields.map((field) => {
        const member = `struct_extract(${members}, ${lit(field.name)})`;
        return { name: field.name, member, value: inner(field.type, member, context, depth) };
      });
      const good = fields.map(({ member, value }) => `(${member} IS NULL OR ${value} IS NOT NULL)`);
      const packed = fields.map(({ name, value }) => `${lit(name)}: ${value}`);
      const checked = `CASE WHEN json_type(${own}) = 'OBJECT' AND ${good.join(' AND ')} THEN {${packed.join(', ')}} END`;
      const bound = `list_transform([{${found.join(', ')}}], lambda ${members}: ${checked})[1]`;
      return `list_transform([${json}], lambda ${own}: ${bound})[1]`;
    }
    default:
      return fitSql(type, json, context);
  }
}

/** A member of a JSON object by its name, or else by one that differs in case only: Hive's names of fields are in lower case. */
function memberSql(json: string, structure: string, name: string, depth: number): string {
  const key = `k${depth}`;
  const entries = `map_entries(from_json(${json}, '"MAP(VARCHAR, JSON)"'))`;
  const twin = `list_filter(${entries}, lambda ${key}: lower(${key}.key) = ${lit(name.toLowerCase())})[1].value`;
  const quoted = JSON.stringify(name.toLowerCase());
  return (
    `coalesce(struct_extract(from_json(${json}, ${lit(structure)}), ${lit(name)}), ` +
    `CASE WHEN json_type(${json}) = 'OBJECT' AND contains(lower(${json}::VARCHAR), ${lit(quoted)}) THEN ${twin} END)`
  );
}

function allOrNull(
  items: string,
  element: HiveType,
  x: string,
  result: string,
  context: FitContext,
  depth: number,
): string {
  const good = `${x} IS NULL OR ${inner(element, x, context, depth)} IS NOT NULL`;
  return `CASE WHEN coalesce(list_bool_and(list_transform(${items}, lambda ${x}: ${good})), ${items} IS NOT NULL) THEN ${result} END`;
}

/** The value of a JSON-typed expression one level down. */
function inner(type: HiveType, json: string, context: FitContext, depth: number): string {
  if (isNested(type)) return nestedSql(type, json, context, depth + 1);
  return fitSql(type, `json_extract_string(${json}, '$')`, context);
}
