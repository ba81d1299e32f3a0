/** A parser for Hive's type syntax: checks it and gives one spelling a type. */
import { suggest } from './suggest.js';

const PRIMITIVES = [
  'tinyint',
  'smallint',
  'int',
  'bigint',
  'float',
  'double',
  'boolean',
  'string',
  'binary',
  'date',
  'timestamp',
] as const;

/** Types whose name says everything. */
export type PrimitiveName = (typeof PRIMITIVES)[number];

/** A Hive column type, taken apart. */
export type HiveType =
  | { kind: PrimitiveName }
  | { kind: 'decimal'; precision: number; scale: number }
  | { kind: 'varchar' | 'char'; length: number }
  | { kind: 'array'; element: HiveType }
  | { kind: 'map'; key: HiveType; value: HiveType }
  | { kind: 'struct'; fields: { name: string; type: HiveType }[] };

/** What is wrong with a type; `suggestion` is the type name that was probably meant. */
export class HiveTypeError extends Error {
  constructor(
    message: string,
    readonly suggestion?: string,
  ) {
    super(message);
    this.name = 'HiveTypeError';
  }
}

const ALIASES: Record<string, string> = { integer: 'int', 'double precision': 'double', numeric: 'decimal' };
/** Names of other databases that people write by habit. */
const FOREIGN: Record<string, string> = {
  text: 'string',
  json: 'string',
  long: 'bigint',
  datetime: 'timestamp',
  bool: 'boolean',
  blob: 'binary',
  bytes: 'binary',
  real: 'double',
  number: 'decimal(p,s)',
  short: 'smallint',
};
/** Every type name that a column may have. */
export const HIVE_TYPE_NAMES = [...PRIMITIVES, 'decimal', 'varchar', 'char', 'array', 'map', 'struct'];

/** Reads a Hive type. Throws HiveTypeError that says what is wrong and where. */
export function parseHiveType(text: string): HiveType {
  const reader = new Reader(text);
  const type = reader.type();
  reader.end();
  return type;
}

/** The one spelling of a type: lower case, no blanks, aliases resolved, decimal with precision and scale. */
export function formatHiveType(type: HiveType): string {
  switch (type.kind) {
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`;
    case 'varchar':
    case 'char':
      return `${type.kind}(${type.length})`;
    case 'array':
      return `array<${formatHiveType(type.element)}>`;
    case 'map':
      return `map<${formatHiveType(type.key)},${formatHiveType(type.value)}>`;
    case 'struct':
      return `struct<${type.fields.map((field) => `${field.name}:${formatHiveType(field.type)}`).join(',')}>`;
    default:
      return type.kind;
  }
}

/** `parseHiveType` and `formatHiveType` in one. */
export function normalizeHiveType(text: string): string {
  return formatHiveType(parseHiveType(text));
}

class Reader {
  #at = 0;

  constructor(readonly text: string) {}

  type(): HiveType {
    const name = this.#typeName();
    const primitive = PRIMITIVES.find((known) => known === name);
    if (primitive !== undefined) return { kind: primitive };
    switch (name) {
      case 'decimal':
        return this.#decimal();
      case 'varchar':
        return { kind: name, length: this.#length(name, 65_535) };
      case 'char':
        return { kind: name, length: this.#length(name, 255) };
      case 'array': {
        this.#expect('<', 'array<bigint>');
        const element = this.type();
        this.#expect('>', 'array<bigint>');
        return { kind: 'array', element };
      }
      case 'map':
        return this.#map();
      case 'struct':
        return this.#struct();
      default:
        throw unknownType(name);
    }
  }

  end(): void {
    this.#blanks();
    if (this.#at < this.text.length) {
      throw new HiveTypeError(`unexpected "${this.text.slice(this.#at)}" after the type in "${this.text}"`);
    }
  }

  #decimal(): HiveType {
    if (!this.#take('(')) return { kind: 'decimal', precision: 10, scale: 0 };
    const precision = this.#number('the precision of decimal(p,s)');
    const scale = this.#take(',') ? this.#number('the scale of decimal(p,s)') : 0;
    this.#expect(')', 'decimal(18,2)');
    if (precision < 1 || precision > 38) {
      throw new HiveTypeError(
        `decimal(${precision},${scale}): Hive's precision is 1 to 38; use string to keep more`,
      );
    }
    if (scale > precision) {
      throw new HiveTypeError(`decimal(${precision},${scale}): the scale cannot exceed the precision`);
    }
    return { kind: 'decimal', precision, scale };
  }

  #length(name: string, max: number): number {
    this.#expect('(', `${name}(64)`);
    const length = this.#number(`the length of ${name}(n)`);
    this.#expect(')', `${name}(64)`);
    if (length < 1 || length > max) {
      throw new HiveTypeError(
        `${name}(${length}): Hive's ${name} holds 1 to ${max} characters; use string for more`,
      );
    }
    return length;
  }

  #map(): HiveType {
    this.#expect('<', 'map<string,bigint>');
    const key = this.type();
    if (key.kind === 'array' || key.kind === 'map' || key.kind === 'struct') {
      throw new HiveTypeError(`a map's key must be a primitive type, not ${formatHiveType(key)}`);
    }
    this.#expect(',', 'map<string,bigint>');
    const value = this.type();
    this.#expect('>', 'map<string,bigint>');
    return { kind: 'map', key, value };
  }

  #struct(): HiveType {
    const example = 'struct<id:bigint,name:string>';
    this.#expect('<', example);
    const fields: { name: string; type: HiveType }[] = [];
    do {
      const name = this.#word();
      if (name === '') throw new HiveTypeError(`a struct needs named fields, e.g. ${example}`);
      if (fields.some((field) => field.name === name)) {
        throw new HiveTypeError(`the struct has two fields "${name}"; Hive ignores case`);
      }
      this.#expect(':', example);
      fields.push({ name, type: this.type() });
    } while (this.#take(','));
    this.#expect('>', example);
    return { kind: 'struct', fields };
  }

  #typeName(): string {
    const start = this.#at;
    const name = this.#word();
    if (name === '') {
      const rest = this.text.slice(start).trim();
      throw new HiveTypeError(
        rest === '' ? `a type is missing in "${this.text}"` : `"${rest}" is not a Hive type`,
      );
    }
    const rest = /^\s+precision\b/i.exec(this.text.slice(this.#at));
    if (name === 'double' && rest) this.#at += rest[0].length;
    return ALIASES[name] ?? name;
  }

  #word(): string {
    this.#blanks();
    const word = /^[\p{L}\p{N}_$]+/u.exec(this.text.slice(this.#at))?.[0] ?? '';
    this.#at += word.length;
    return word.toLowerCase();
  }

  #number(what: string): number {
    const word = this.#word();
    if (!/^\d+$/.test(word)) throw new HiveTypeError(`${what} must be a number in "${this.text}"`);
    return Number(word);
  }

  #expect(token: string, example: string): void {
    if (this.#take(token)) return;
    const found = this.text.slice(this.#at).trim();
    const where = found === '' ? 'at the end' : `before "${found}"`;
    throw new HiveTypeError(`"${token}" is missing ${where} of "${this.text}"; write it like ${example}`);
  }

  #take(token: string): boolean {
    this.#blanks();
    if (this.text[this.#at] !== token) return false;
    this.#at++;
    return true;
  }

  #blanks(): void {
    while (/\s/.test(this.text[this.#at] ?? '')) this.#at++;
  }
}

function unknownType(name: string): HiveTypeError {
  return new HiveTypeError(`"${name}" is not a Hive type`, FOREIGN[name] ?? suggest(name, HIVE_TYPE_NAMES));
}
