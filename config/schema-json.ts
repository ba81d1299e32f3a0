import { z } from 'zod';
import { ConfigSchema } from './schema.js';

/** The parts of JSON Schema that our schema uses. */
export interface JsonNode {
  $schema?: string;
  title?: string;
  description?: string;
  type?: string | string[];
  properties?: Record<string, JsonNode>;
  patternProperties?: Record<string, JsonNode>;
  additionalProperties?: boolean | JsonNode;
  required?: string[];
  items?: JsonNode | JsonNode[];
  anyOf?: JsonNode[];
  oneOf?: JsonNode[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
  pattern?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  writeOnly?: boolean;
}

export type Path = (string | number)[];

/** A text with a reference, which can stand for any value. */
const REFERENCE = { type: 'string' as const, pattern: String.raw`\$\{.+\}` };

let schema: JsonNode | undefined;

/** The JSON schema of the config file, for editors, for the docs, and for naming what stands at a path. */
export function configJsonSchema(): JsonNode {
  schema ??= build();
  return schema;
}

function build(): JsonNode {
  const root = z.toJSONSchema(ConfigSchema, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema, path }) => {
      // zod drops the examples of what it transforms, as if they were of the result; ours are of the input.
      const examples = z.globalRegistry.get(zodSchema)?.examples;
      if (Array.isArray(examples)) jsonSchema.examples = examples;
      // A secret is the only custom type here: see secret() in schema-common.ts.
      if (zodSchema._zod.def.type !== 'custom') return;
      jsonSchema.writeOnly = true;
      jsonSchema.anyOf = [
        // An address without a password may stand in the file.
        path.at(-1) === 'url' ? { type: 'string' as const } : REFERENCE,
        {
          type: 'object',
          properties: { file: { type: 'string', description: 'File that holds the secret.' } },
          required: ['file'],
          additionalProperties: false,
        },
      ];
    },
  }) as JsonNode;
  root.title = 'Tributary configuration';
  // Anchors need a place to live; keys that start with x- are ignored by the loader.
  root.patternProperties = { '^x-': {} };
  return root;
}

/** The alternatives of a node: itself, or its anyOf/oneOf members, those first that fit the value's kind. */
export function alternatives(node: JsonNode, value?: unknown): JsonNode[] {
  const members = node.anyOf ?? node.oneOf;
  if (!members) return [node];
  const all = members.flatMap((member) => alternatives(member, value));
  if (value === null || typeof value !== 'object') return all;
  const kind = (value as Record<string, unknown>).kind;
  const exact = all.filter((member) => kind !== undefined && member.properties?.kind?.const === kind);
  return exact.length > 0 ? exact : all;
}

/** The schema node at a path; `value` is the document, which chooses among alternatives. */
export function schemaAt(path: Path, value: unknown): JsonNode | undefined {
  let nodes: JsonNode[] = [configJsonSchema()];
  let here: unknown = value;
  for (const step of path) {
    nodes = nodes.flatMap((node) => alternatives(node, here)).flatMap((node) => child(node, step));
    here = (here as Record<string | number, unknown> | null | undefined)?.[step];
  }
  return nodes[0];
}

/** Names that a map at the path may have. */
export function knownKeys(path: Path, value: unknown): string[] {
  const node = schemaAt(path, value);
  if (!node) return [];
  const here = path.reduce<unknown>(
    (at, step) => (at as Record<string | number, unknown> | null | undefined)?.[step],
    value,
  );
  return [...new Set(alternatives(node, here).flatMap((member) => Object.keys(member.properties ?? {})))];
}

function child(node: JsonNode, step: string | number): JsonNode[] {
  if (typeof step === 'number') {
    if (Array.isArray(node.items)) return node.items[step] ? [node.items[step]] : [];
    return node.items ? [node.items] : [];
  }
  const property = node.properties?.[step];
  if (property) return [property];
  return typeof node.additionalProperties === 'object' ? [node.additionalProperties] : [];
}

/** Paths of all values that are marked, with `*` for list positions and free names. */
function pathsWhere(test: (node: JsonNode) => boolean): string[][] {
  const found: string[][] = [];
  const visit = (node: JsonNode, path: string[]): void => {
    if (test(node)) {
      found.push(path);
      return;
    }
    for (const member of [...(node.anyOf ?? []), ...(node.oneOf ?? [])]) visit(member, path);
    for (const [name, property] of Object.entries(node.properties ?? {})) visit(property, [...path, name]);
    if (typeof node.additionalProperties === 'object') visit(node.additionalProperties, [...path, '*']);
    if (node.items && !Array.isArray(node.items)) visit(node.items, [...path, '*']);
  };
  visit(configJsonSchema(), []);
  return found;
}

let secrets: string[][] | undefined;
let files: string[][] | undefined;

/** True if the schema has a secret at the path. */
export function isSecretPath(path: Path): boolean {
  secrets ??= pathsWhere((node) => node.writeOnly === true);
  return secrets.some((pattern) => fits(pattern, path));
}

/** True if the schema has the name of an existing file at the path. */
export function isFilePath(path: Path): boolean {
  files ??= pathsWhere((node) => node.format === 'existing-file');
  return files.some((pattern) => fits(pattern, path));
}

function fits(pattern: string[], path: Path): boolean {
  return (
    pattern.length === path.length && pattern.every((step, index) => step === '*' || step === path[index])
  );
}
