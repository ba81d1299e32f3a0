import { configJsonSchema, type JsonNode } from './schema-json.js';

const REFERENCE: JsonNode = { type: 'string', pattern: String.raw`\$\{.+\}` };

/**
 * The JSON schema for editors. It is laxer than the check: any value may come from a reference, and what `defaults`
 * may provide is not demanded of a table, which an editor cannot see.
 */
export function editorJsonSchema(): JsonNode {
  const schema = structuredClone(configJsonSchema());
  const table = schema.properties?.tables?.items as JsonNode;
  table.required = ['name'];
  const { from, snapshot, bootstrap } = table.properties ?? {};
  for (const node of [from, ...(snapshot?.anyOf ?? []), ...(bootstrap?.oneOf ?? [])]) {
    if (node?.required) node.required = node.required.filter((name) => name === 'kind');
  }
  return admitReferences(schema);
}

function admitReferences(node: JsonNode): JsonNode {
  const mapped = mapChildren(node, admitReferences);
  const free = mapped.type === 'string' && mapped.pattern === undefined && mapped.enum === undefined;
  const leaf = ['string', 'integer', 'number', 'boolean'].includes(String(mapped.type));
  if (!leaf || free || mapped.const !== undefined || mapped.pattern === REFERENCE.pattern) return mapped;
  const { title, description, default: value, examples, ...rule } = mapped;
  const notes = { title, description, default: value, examples };
  const given = Object.fromEntries(Object.entries(notes).filter(([, note]) => note !== undefined));
  return { ...(given as JsonNode), anyOf: [rule, REFERENCE] };
}

function mapChildren(node: JsonNode, map: (child: JsonNode) => JsonNode): JsonNode {
  const result = { ...node };
  delete result.format; // Our own, which editors do not know.
  const record = (children: Record<string, JsonNode>): Record<string, JsonNode> =>
    Object.fromEntries(Object.entries(children).map(([name, child]) => [name, map(child)]));
  if (node.properties) result.properties = record(node.properties);
  if (typeof node.additionalProperties === 'object')
    result.additionalProperties = map(node.additionalProperties);
  if (node.items) result.items = Array.isArray(node.items) ? node.items.map(map) : map(node.items);
  if (node.anyOf) result.anyOf = node.anyOf.map(map);
  if (node.oneOf) result.oneOf = node.oneOf.map(map);
  return result;
}
