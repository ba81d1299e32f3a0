import { lit } from '../warehouse/duckdb.js';
import { duckPath, type PathStep } from './json-path.js';

/**
 * Everything a table needs of a JSON document, read by one parse: `from_json` with a structure that names only those
 * members. Scalars come as text, so that numbers keep their digits and each column decides what fits it.
 */

interface Node {
  /** Someone wants this member as JSON text or by an array index below it. */
  json: boolean;
  leaf: boolean;
  children: Map<string, Node>;
}

export interface ShapeRequest {
  steps: PathStep[];
  /** Want JSON text (for arrays, maps, structs) rather than the scalar's own text. */
  json: boolean;
}

export interface JsonShape {
  /** SQL of the parsed document, to be bound to a column. Undefined if nothing is read from it. */
  parse: (document: string) => string | undefined;
  /** SQL of request i, given the columns of the parsed document and of the document itself. */
  read: (index: number, parsed: string, document: string) => string;
}

/** Plans one parse for all requests. */
export function planJsonShape(requests: ShapeRequest[]): JsonShape {
  const root: Node = { json: false, leaf: false, children: new Map() };
  const inTree = requests.map((request) => insert(root, request));
  const structure = root.children.size === 0 ? undefined : JSON.stringify(structureOf(root));
  return {
    parse: (document) => (structure === undefined ? undefined : `from_json(${document}, ${lit(structure)})`),
    read: (index, parsed, document) => {
      const { steps, json } = requests[index]!;
      if (!inTree[index]) return readDocument(document, requests[index]!);
      return access(root, parsed, steps, json);
    },
  };
}

/** False if the request cannot be part of the structure: the whole document, an index at the top, or names that differ in case only. */
function insert(root: Node, request: ShapeRequest): boolean {
  const { steps, json } = request;
  if (steps.length === 0 || typeof steps[0] === 'number') return false;
  const path: Node[] = [];
  let node = root;
  for (const step of steps) {
    if (typeof step === 'number') break;
    const child = node.children.get(step);
    if (!child && hasCaseTwin(node, step)) return false;
    path.push(child ?? { json: false, leaf: false, children: new Map() });
    node = path.at(-1)!;
  }
  node = root;
  path.forEach((child, index) => {
    node.children.set(steps[index] as string, child);
    node = child;
  });
  if (path.length < steps.length || json) node.json = true;
  else node.leaf = true;
  return true;
}

function hasCaseTwin(node: Node, name: string): boolean {
  const lower = name.toLowerCase();
  return [...node.children.keys()].some((other) => other.toLowerCase() === lower);
}

/** A member that is read in more than one way is taken as JSON once, and read from there. */
function asJson(node: Node): boolean {
  return node.json || (node.leaf && node.children.size > 0);
}

function structureOf(node: Node): unknown {
  if (asJson(node)) return 'JSON';
  if (node.children.size === 0) return 'VARCHAR';
  return Object.fromEntries([...node.children].map(([name, child]) => [name, structureOf(child)]));
}

function access(root: Node, parsed: string, steps: PathStep[], json: boolean): string {
  let node = root;
  let sql = parsed;
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i]!;
    sql = `struct_extract(${sql}, ${lit(String(step))})`;
    node = node.children.get(String(step))!;
    if (asJson(node)) return whole(sql, steps.slice(i + 1), json);
  }
  return sql;
}

/** SQL that reads one request from a document by itself. */
export function readDocument(document: string, { steps, json }: ShapeRequest): string {
  return whole(document, steps, json);
}

function whole(document: string, steps: PathStep[], json: boolean): string {
  if (json && steps.length === 0) return `nullif(${document}, 'null')::JSON`;
  const call = json ? 'json_extract' : 'json_extract_string';
  const value = `${call}(${document}, ${duckPath(steps)})`;
  return json ? `nullif(${value}, 'null')` : value;
}
