import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { renderConfigDocs } from '../../../config/docs.js';
import { editorJsonSchema } from '../../../config/schema-editor.js';
import { configJsonSchema, isSecretPath, knownKeys, type JsonNode } from '../../../config/schema-json.js';

function visit(node: JsonNode, path: string, check: (node: JsonNode, path: string) => void): void {
  check(node, path);
  for (const [name, child] of Object.entries(node.properties ?? {})) visit(child, `${path}.${name}`, check);
  for (const child of [...(node.anyOf ?? []), ...(node.oneOf ?? [])]) visit(child, path, check);
  if (typeof node.additionalProperties === 'object') visit(node.additionalProperties, `${path}.*`, check);
  if (node.items && !Array.isArray(node.items)) visit(node.items, `${path}[]`, check);
}

describe('the schema as people meet it', () => {
  it('describes every option, or the reference would have holes', () => {
    visit(configJsonSchema(), '', (node, path) => {
      for (const [name, option] of Object.entries(node.properties ?? {})) {
        expect(option.description, `${path}.${name}`).toMatch(/\w/);
      }
    });
  });

  it('knows every password, key and database address as a secret', () => {
    for (const path of [
      'temporal.api_key',
      'kafka.x.sasl.password',
      'kafka.x.registry.password',
      'warehouse.catalog.password',
      'tables.0.bootstrap.url',
      'defaults.bootstrap.url',
    ]) {
      const steps = path.split('.').map((step) => (/^\d+$/.test(step) ? Number(step) : step));
      // A list position fits any step of the pattern.
      expect(isSecretPath(steps), path).toBe(true);
    }
    expect(isSecretPath(['kafka', 'x', 'registry', 'url'])).toBe(false);
  });

  it('lists the options of the alternative that was chosen by its kind', () => {
    const document = { warehouse: { storage: { kind: 'file' } } };
    expect(knownKeys(['warehouse', 'storage'], document)).toEqual(['kind', 'root']);
  });

  it('lets editors accept a reference for a number, and does not demand what defaults may give', () => {
    const { properties } = editorJsonSchema();
    expect(properties?.worker?.properties?.activities?.anyOf).toHaveLength(2);
    expect((properties?.tables?.items as JsonNode).required).toEqual(['name']);
  });

  it('documents every option of a table in docs/configuration.md, which is up to date', () => {
    const page = readFileSync('docs/configuration.md', 'utf8');
    const cells = (text: string): string => text.replace(/[ -]+/g, ' ');
    expect(cells(page)).toBe(cells(renderConfigDocs()));
    expect(page).toContain('`from.match.shard_column`');
  });
});
