import { isAlias, isMap, isScalar, isSeq, parseDocument, type Document, type Pair, type YAMLMap } from 'yaml';
import { Places } from './places.js';
import type { ScalarReader } from './scalars.js';
import type { Path, Source, Span } from './source.js';

export interface ConfigDocument {
  /** Plain values; secrets are Secret; empty values are left out. */
  value: Record<string, unknown>;
  places: Places;
  /** Values whose references could not be filled; that is reported already. */
  faulty: Path[];
}

/**
 * Parses the YAML of a config file into plain values and remembers where each stands. Mistakes go to the source;
 * undefined if the text is not a document to go on with.
 */
export function readDocument(source: Source, scalars: ScalarReader): ConfigDocument | undefined {
  const document = parseDocument(source.text, {
    lineCounter: source.lines,
    prettyErrors: false,
    uniqueKeys: false,
  });
  if (document.errors.length > 0) {
    reportSyntax(source, document);
    return undefined;
  }
  if (!isMap(document.contents)) {
    const empty =
      document.contents === null || (isScalar(document.contents) && document.contents.value === null);
    source.report([0, 0], {
      path: [],
      message: empty ? 'the file is empty' : 'the file must be a map of options, such as "tables:"',
    });
    return undefined;
  }
  const reader = new Reader(document, source, scalars);
  return { value: reader.root(document.contents), places: reader.places, faulty: reader.faulty };
}

function reportSyntax(source: Source, document: Document): void {
  const lines = new Set<number>();
  for (const error of document.errors) {
    const { line } = source.lines.linePos(error.pos[0]);
    // One slip often trips the parser several times; the first report of a line is the useful one.
    if (lines.has(line)) continue;
    lines.add(line);
    source.report(error.pos, { path: [], message: syntaxMessage(source.text, error) });
  }
}

function syntaxMessage(text: string, error: { code: string; message: string; pos: Span }): string {
  if (error.code === 'TAB_AS_INDENT') return 'a tab cannot indent YAML; use spaces';
  if (error.code === 'MULTIPLE_DOCS') return 'the file holds a second document ("---"); use one';
  if (text.slice(error.pos[0] - 1, error.pos[0] + 1) === '${') {
    return "inside { } and [ ] a reference needs quotes: '${NAME}'";
  }
  return `YAML syntax: ${error.message}`;
}

class Reader {
  readonly places = new Places();
  readonly faulty: Path[] = [];
  readonly #open = new Set<unknown>();

  constructor(
    readonly document: Document,
    readonly source: Source,
    readonly scalars: ScalarReader,
  ) {}

  root(map: YAMLMap): Record<string, unknown> {
    this.places.set([], { value: [map.range?.[0] ?? 0, map.range?.[0] ?? 0] });
    return this.#map(map, []);
  }

  #value(node: unknown, path: Path): unknown {
    if (isAlias(node)) {
      const target = node.resolve(this.document);
      if (!target || this.#open.has(target)) {
        const message = target
          ? `the alias *${node.source} contains itself`
          : `there is no anchor &${node.source}`;
        this.source.report(spanOf(node), { path, message });
        return undefined;
      }
      this.#open.add(target);
      const value = this.#value(target, path);
      this.#open.delete(target);
      return value;
    }
    this.places.set(path, { value: spanOf(node) });
    if (isMap(node)) {
      const fields = this.#map(node, path);
      return this.scalars.map(fields, path, spanOf(node));
    }
    if (isSeq(node)) {
      return node.items.map((item, index) => this.#value(item, [...path, index]) ?? null);
    }
    if (!isScalar(node) || node.value === null) return undefined;
    const read = this.scalars.scalar(node.value, path, spanOf(node));
    if (read.faulty) this.faulty.push(path);
    if (read.interpolated) this.places.set(path, { interpolated: true });
    return read.value;
  }

  #map(map: YAMLMap, path: Path): Record<string, unknown> {
    const own = new Map<string, Span>();
    const values: Record<string, unknown> = {};
    const merges: Pair[] = [];
    for (const pair of map.items) {
      if (!isScalar(pair.key) || pair.key.value === null) {
        this.source.report(spanOf(pair.key ?? map), {
          path,
          message: 'the name of an option must be a plain text',
        });
        continue;
      }
      if (pair.key.source === '<<') {
        merges.push(pair);
        continue;
      }
      const name = keyName(pair.key.value);
      if (path.length === 0 && name.startsWith('x-')) continue;
      const here = [...path, name];
      const first = own.get(name);
      if (first) {
        const { line } = this.source.lines.linePos(first[0]);
        this.source.report(spanOf(pair.key), {
          path: here,
          message: `"${name}" is given twice; the first one is on line ${line}`,
        });
        continue;
      }
      own.set(name, spanOf(pair.key));
      this.places.set(here, { key: spanOf(pair.key) });
      const value = this.#value(pair.value, here);
      if (value !== undefined) values[name] = value;
    }
    for (const pair of merges) this.#merge(pair, path, values);
    return values;
  }

  /** `<<: *anchor` or a list of them: what the map itself says wins, then the earlier of the list. */
  #merge(pair: Pair, path: Path, values: Record<string, unknown>): void {
    const nodes = isSeq(pair.value) ? pair.value.items : [pair.value];
    for (const node of nodes) {
      const target = isAlias(node) ? node.resolve(this.document) : node;
      if (!isMap(target) || this.#open.has(target)) {
        this.source.report(spanOf(node), { path, message: '"<<" takes a map, or a list of maps, by alias' });
        continue;
      }
      this.#open.add(target);
      for (const item of target.items) {
        const name = isScalar(item.key) ? keyName(item.key.value) : '';
        if (name in values) continue;
        this.places.set([...path, name], { key: spanOf(item.key) });
        const value = this.#value(item.value, [...path, name]);
        if (value !== undefined) values[name] = value;
      }
      this.#open.delete(target);
    }
  }
}

function keyName(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function spanOf(node: unknown): Span {
  const range = (node as { range?: [number, number, number] | null } | null)?.range;
  return range ? [range[0], range[1]] : [0, 0];
}
