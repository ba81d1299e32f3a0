import { DecodeProblem } from './problem.js';

/** A number as it was written: JSON.parse rounds beyond 2^53, which TSOs, int64 and decimals pass. */
export class JsonNumber {
  constructor(readonly text: string) {}
}

/** Objects are Maps, so that the order of keys survives (a plain object moves keys like "1" to the front). */
export type JsonValue = null | boolean | string | JsonNumber | JsonValue[] | JsonObject;
export type JsonObject = Map<string, JsonValue>;

/** MongoDB allows 100 levels and MongoShake's Key/Value form has three brackets for each. */
const MAX_DEPTH = 400;
/** With the words for what JSON has no number for: MongoDB's Java driver writes them bare in its legacy dialect. */
const NUMBER = /-?(?:(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|Infinity)|NaN/y;
const HEX4 = /^[0-9a-fA-F]{4}$/;
const ESCAPES: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

class Parser {
  private at = 0;
  constructor(private readonly text: string) {}

  document(): JsonValue {
    const value = this.value(0);
    this.blank();
    if (this.at !== this.text.length) this.fail('more text after the JSON value');
    return value;
  }

  private fail(problem: string): never {
    const reason = this.at >= this.text.length ? 'truncated' : 'malformed';
    throw new DecodeProblem(reason, `not JSON at character ${this.at}: ${problem}`);
  }

  private blank(): void {
    for (;;) {
      const c = this.text.charCodeAt(this.at);
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
      this.at++;
    }
  }

  private value(depth: number): JsonValue {
    if (depth > MAX_DEPTH) this.fail(`nested deeper than ${MAX_DEPTH} levels`);
    this.blank();
    switch (this.text[this.at]) {
      case '{':
        return this.object(depth);
      case '[':
        return this.array(depth);
      case '"':
        return this.string();
      case 't':
        return this.word('true', true);
      case 'f':
        return this.word('false', false);
      case 'n':
        return this.word('null', null);
      default:
        return this.number();
    }
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) this.fail(`expected ${word}`);
    this.at += word.length;
    return value;
  }

  private number(): JsonNumber {
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.text);
    if (match === null) this.fail('expected a value');
    this.at += match[0].length;
    return new JsonNumber(match[0]);
  }

  private object(depth: number): JsonObject {
    const object: JsonObject = new Map();
    this.at++;
    this.blank();
    if (this.text[this.at] === '}') {
      this.at++;
      return object;
    }
    for (;;) {
      this.blank();
      if (this.text[this.at] !== '"') this.fail('expected a key');
      const key = this.string();
      this.blank();
      if (this.text[this.at] !== ':') this.fail('expected a colon');
      this.at++;
      object.set(key, this.value(depth + 1));
      if (this.closes('}')) return object;
    }
  }

  private array(depth: number): JsonValue[] {
    const array: JsonValue[] = [];
    this.at++;
    this.blank();
    if (this.text[this.at] === ']') {
      this.at++;
      return array;
    }
    for (;;) {
      array.push(this.value(depth + 1));
      if (this.closes(']')) return array;
    }
  }

  /** True after the closing bracket, false after a comma. */
  private closes(bracket: string): boolean {
    this.blank();
    const c = this.text[this.at];
    if (c !== bracket && c !== ',') this.fail(`expected ${bracket} or a comma`);
    this.at++;
    return c === bracket;
  }

  private string(): string {
    const start = ++this.at;
    let parts = '';
    let from = start;
    for (;;) {
      const c = this.text.charCodeAt(this.at);
      if (c === 0x22) {
        const tail = this.text.slice(from, this.at++);
        return parts === '' ? tail : parts + tail;
      }
      if (c === 0x5c) {
        parts += this.text.slice(from, this.at) + this.escape();
        from = this.at;
      } else if (c >= 0x20) {
        this.at++;
      } else {
        // charCodeAt answers NaN past the end.
        this.fail('unterminated text or a control character in it');
      }
    }
  }

  private escape(): string {
    const c = this.text[this.at + 1] ?? '';
    const simple = ESCAPES[c];
    if (simple !== undefined) {
      this.at += 2;
      return simple;
    }
    if (c !== 'u') this.fail('unknown escape');
    const unit = this.unit(this.at);
    this.at += 6;
    if (unit < 0xd800 || unit > 0xdfff) return String.fromCharCode(unit);
    // A lone surrogate has no UTF-8 form: writing it would put U+FFFD in its place without notice.
    if (unit > 0xdbff || this.text[this.at] !== '\\' || this.text[this.at + 1] !== 'u') {
      this.fail('lone surrogate');
    }
    const low = this.unit(this.at);
    if (low < 0xdc00 || low > 0xdfff) this.fail('lone surrogate');
    this.at += 6;
    return String.fromCharCode(unit, low);
  }

  private unit(backslash: number): number {
    const digits = this.text.slice(backslash + 2, backslash + 6);
    if (!HEX4.test(digits)) this.fail('bad \\u escape');
    return parseInt(digits, 16);
  }
}

/** Parses JSON without loss: numbers keep their lexemes, objects the order of their keys. @throws DecodeProblem */
export function parseJson(text: string): JsonValue {
  return new Parser(text).document();
}

/** As parseJson, for a value that must be an object. @throws DecodeProblem */
export function parseJsonObject(text: string, what: string): JsonObject {
  const value = parseJson(text);
  if (!(value instanceof Map)) throw new DecodeProblem('malformed', `${what} is not a JSON object`);
  return value;
}

const INTEGER = /^-?\d+$/;

/** An integer of any size. @throws DecodeProblem if the value is anything else */
export function jsonInteger(value: JsonValue | undefined, what: string): bigint {
  if (!(value instanceof JsonNumber) || !INTEGER.test(value.text)) {
    throw new DecodeProblem('malformed', `${what} is not an integer`);
  }
  return BigInt(value.text);
}

/** Text. @throws DecodeProblem if the value is anything else */
export function jsonText(value: JsonValue | undefined, what: string): string {
  if (typeof value !== 'string') throw new DecodeProblem('malformed', `${what} is not text`);
  return value;
}
