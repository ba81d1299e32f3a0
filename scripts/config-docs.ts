/**
 * Writes docs/tributary.schema.json and docs/configuration.md from the schema of the configuration. With `--check`
 * writes nothing, and fails if they are out of date.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { renderConfigDocs } from '../config/docs.js';
import { editorJsonSchema } from '../config/schema-editor.js';

const docs = join(import.meta.dirname, '..', 'docs');
const page = join(docs, 'configuration.md');
const options = await resolveConfig(page);
const files = new Map([
  [join(docs, 'tributary.schema.json'), `${JSON.stringify(editorJsonSchema(), null, 2)}\n`],
  [page, await format(renderConfigDocs(), { ...options, parser: 'markdown' })],
]);

let stale = 0;
for (const [file, wanted] of files) {
  const current = await readFile(file, 'utf8').catch(() => undefined);
  if (current === wanted) continue;
  if (process.argv.includes('--check')) {
    console.error(`${file} is out of date: run \`npx tsx scripts/config-docs.ts\` and commit the result.`);
    stale++;
  } else {
    await writeFile(file, wanted);
    console.log(`wrote ${file}`);
  }
}
process.exitCode = stale === 0 ? 0 : 1;
