import { TributaryError } from '../common/errors.js';

export type ScalarName =
  | 'tinyint'
  | 'smallint'
  | 'int'
  | 'bigint'
  | 'float'
  | 'double'
  | 'boolean'
  | 'string'
  | 'binary'
  | 'date'
  | 'timestamp';

/** A Hive column type, taken apart. */
export type HiveType =
  | { kind: ScalarName }
  | { kind: 'char' | 'varchar'; length: number }
  | { kind: 'decimal'; precision: number; scale: number }
  | { kind: 'array'; element: HiveType }
  | { kind: 'map'; key: HiveType; value: HiveType }
  | { kind: 'struct'; fields: { name: string; type: HiveType }[] };

const SCALARS = new Set<string>([
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
]);

/**
 * Takes a Hive type text apart.
 * @throws TributaryError UnknownType (attributes type)
 */
export function parseHiveType(text: string): HiveType {
  const parser = new TypeParser(text);
  const type = parser.type();
  parser.end();
  return type;
}

/** The same type in Hive's own notation. */
export function hiveTypeText(type: HiveType): string {
  switch (type.kind) {
    case 'char':
    case 'varchar':
      return `${type.kind}(${type.length})`;
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`;
    case 'array':
      return `array<${hiveTypeText(type.element)}>`;
    case 'map':
      return `map<${hiveTypeText(type.key)},${hiveTypeText(type.value)}>`;
    case 'struct':
      return `struct<${type.fields.map((field) => `${field.name}:${hiveTypeText(field.type)}`).join(',')}>`;
    default:
      return type.kind;
  }
}

class TypeParser {
  private at = 0;

  constructor(private readonly text: string) {}

  type(): HiveType {
    const word = this.word();
    if (SCALARS.has(word)) return { kind: word as ScalarName };
    if (word === 'integer') return { kind: 'int' };
    if (word === 'decimal' || word === 'numeric') return this.decimal();
    if (word === 'char' || word === 'varchar') {
      this.expect('(');
      const length = this.number();
      this.expect(')');
      return { kind: word, length };
    }
    if (word === 'array') {
      this.expect('<');
      const element = this.type();
      this.expect('>');
      return { kind: 'array', element };
    }
    if (word === 'map') {
      this.expect('<');
      const key = this.type();
      this.expect(',');
      const value = this.type();
      this.expect('>');
      return { kind: 'map', key, value };
    }
    if (word === 'struct') return this.struct();
    throw this.fault();
  }

  end(): void {
    this.blanks();
    if (this.at !== this.text.length) throw this.fault();
  }

  private decimal(): HiveType {
    if (!this.accept('(')) return { kind: 'decimal', precision: 10, scale: 0 };
    const precision = this.number();
    const scale = this.accept(',') ? this.number() : 0;
    this.expect(')');
    if (precision < 1 || precision > 38 || scale > precision) throw this.fault();
    return { kind: 'decimal', precision, scale };
  }

  private struct(): HiveType {
    this.expect('<');
    const fields: { name: string; type: HiveType }[] = [];
    do {
      const match = /^\s*`?([^`:<>,()]+?)`?\s*:/.exec(this.text.slice(this.at));
      if (!match) throw this.fault();
      this.at += match[0].length;
      fields.push({ name: match[1]!, type: this.type() });
    } while (this.accept(','));
    this.expect('>');
    return { kind: 'struct', fields };
  }

  private word(): string {
    const match = /^\s*([a-z]+)/i.exec(this.text.slice(this.at));
    if (!match) throw this.fault();
    this.at += match[0].length;
    return match[1]!.toLowerCase();
  }

  private number(): number {
    const match = /^\s*(\d+)/.exec(this.text.slice(this.at));
    if (!match) throw this.fault();
    this.at += match[0].length;
    return Number(match[1]);
  }

  private accept(sign: string): boolean {
    this.blanks();
    if (this.text[this.at] !== sign) return false;
    this.at += 1;
    return true;
  }

  private expect(sign: string): void {
    if (!this.accept(sign)) throw this.fault();
  }

  private blanks(): void {
    while (this.text[this.at] === ' ') this.at += 1;
  }

  private fault(): TributaryError {
    return new TributaryError({
      code: 'UnknownType',
      message: `"${this.text}" is not a Hive type (at character ${this.at + 1}).`,
      attributes: { type: this.text },
    });
  }
}
