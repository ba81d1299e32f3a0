import { configJsonSchema, type JsonNode } from './schema-json.js';
import { DURATION_PATTERN, SIZE_PATTERN } from './units.js';

const INTRODUCTION = `# Configuration

<!-- Made by scripts/config-docs.ts from config/schema*.ts; do not edit. -->

One YAML file describes everything: \`tributary.yaml\`, or the one that \`-c\` names.
[tributary.example.yaml](../tributary.example.yaml) shows all of it in use; \`tributary validate\` reports every mistake
at once, with line and column. For completion and checks in an editor, put this line into the file:

\`\`\`yaml
# yaml-language-server: $schema=docs/tributary.schema.json
\`\`\`

## How values are written

| kind       | written as                                                                                                   |
| ---------- | ------------------------------------------------------------------------------------------------------------ |
| duration   | a number with a unit: \`500ms\`, \`30s\`, \`10m\`, \`2h\`, \`1d\`, \`1w\`                                    |
| size       | a number with a unit: \`64KiB\`, \`128MiB\`, \`1GiB\`, or \`KB\`, \`MB\`, \`GB\` in powers of ten            |
| reference  | in any text: \`\${NAME}\`, \`\${NAME:-default}\`, \`\${file:/path}\`; \`$\${\` for a literal \`\${\`. Inside \`{ }\` and \`[ ]\` it needs quotes |
| secret     | a reference, or \`{ file: /path }\`. A secret written in the file is refused, also in a URL (\`user:password@\`) |
| name       | of a database, table or collection at the source: exact, or a regular expression between slashes, \`/order_\\d+/\`, that matches the whole name |
| JSON path  | \`$.a.b\`, \`$."@timestamp"\`, \`$['a b']\`, \`$.list[0]\`                                                   |
| Hive type  | \`bigint\`, \`decimal(18,2)\`, \`array<string>\`, \`map<string,bigint>\`, \`struct<id:bigint,name:string>\`  |
| time zone  | an IANA name such as \`Asia/Shanghai\`                                                                       |

Relative file names start at the directory of the configuration. YAML anchors and \`<<\` work; keys at the top level that
start with \`x-\` are ignored, so that anchors have a place to live.

What \`defaults\` says holds for every table that does not say otherwise, option by option. A table inherits only what
applies to it: an append table no snapshot, a table without \`bootstrap\` no bootstrap.
`;

/** The reference of the configuration as Markdown, unformatted. */
export function renderConfigDocs(): string {
  const root = configJsonSchema();
  const required = new Set(root.required);
  const sections = Object.entries(root.properties ?? {}).map(([name, node]) => {
    const note = required.has(name) ? ' Required.' : '';
    const parts = new Parts();
    collect(node, '', parts);
    return [`## ${name}`, `${node.description ?? ''}${note}`, ...parts.render()].join('\n\n');
  });
  return [INTRODUCTION.trimEnd(), ...sections].join('\n\n') + '\n';
}

/** The main table of a section, and one for each alternative of a `kind`. */
class Parts {
  readonly #tables: { title: string; rows: string[] }[] = [{ title: '', rows: [] }];

  add(row: string, title = ''): void {
    let table = this.#tables.find((other) => other.title === title);
    if (!table) this.#tables.push((table = { title, rows: [] }));
    table.rows.push(row);
  }

  render(): string[] {
    const head = '| option | type | default | meaning |\n| --- | --- | --- | --- |';
    return this.#tables
      .filter(({ rows }) => rows.length > 0)
      .flatMap(({ title, rows }) => [...(title === '' ? [] : [`### ${title}`]), [head, ...rows].join('\n')]);
  }
}

/** Adds a row for every option under a node; `title` names the alternative that they belong to. */
function collect(node: JsonNode, prefix: string, parts: Parts, title?: string): void {
  if (typeof node.additionalProperties === 'object' && isMap(node.additionalProperties)) {
    collect(node.additionalProperties, `${prefix === '' ? '' : `${prefix}.`}<name>`, parts, title);
    return;
  }
  if (node.items && !Array.isArray(node.items) && isMap(node.items)) {
    collect(node.items, prefix === '' ? '' : `${prefix}[]`, parts, title);
    return;
  }
  for (const [name, property] of Object.entries(node.properties ?? {})) {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    parts.add(row(path, property, node.required?.includes(name) === true), title);
    if (property.writeOnly === true) continue;
    if (property.oneOf) {
      for (const member of property.oneOf) collect(member, path, parts, member.title);
      continue;
    }
    collect(property.anyOf?.find((member) => isMap(member)) ?? property, path, parts, title);
  }
}

const isMap = (node: JsonNode): boolean => node.properties !== undefined;

function row(path: string, node: JsonNode, required: boolean): string {
  const examples = (node.examples ?? []).map(code).join(', ');
  const meaning = `${node.description ?? ''}${examples === '' ? '' : ` Example: ${examples}.`}`;
  const cells = [`\`${path}\``, typeText(node), required ? 'required' : defaultText(node), meaning];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function defaultText(node: JsonNode): string {
  const { default: value } = node;
  const empty = value !== null && typeof value === 'object' && Object.keys(value).length === 0;
  return value === undefined || empty ? '' : code(value);
}

function code(value: unknown): string {
  return `\`${typeof value === 'string' ? value : flow(value)}\``;
}

/** YAML in one line. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (value === null || typeof value !== 'object') return String(value);
  const members = Object.entries(value).map(([name, member]) => `${name}: ${flow(member)}`);
  return `{ ${members.join(', ')} }`;
}

function typeText(node: JsonNode): string {
  if (node.writeOnly === true) return 'secret';
  const members = node.anyOf ?? node.oneOf;
  if (members) return [...new Set(members.map(typeText))].join(' or ');
  if (node.const !== undefined) return code(node.const);
  if (node.enum) return node.enum.map(code).join(', ');
  if (node.pattern === DURATION_PATTERN.source) return 'duration';
  if (node.pattern === SIZE_PATTERN.source) return 'size';
  switch (node.type) {
    case 'array':
      return listText(node.items);
    case 'object':
      return 'map';
    case 'string':
      return 'text';
    default:
      return [node.type ?? 'text'].flat().join(' or ').replace('string', 'text');
  }
}

function listText(items: JsonNode['items']): string {
  if (Array.isArray(items)) return code(items.map((item) => item.const));
  const item = items ? typeText(items) : '';
  return item === '' ? 'list' : `list of ${item}${item.endsWith('s') ? '' : 's'}`;
}
