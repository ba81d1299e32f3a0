// Bundles the compiled workflows once at build time, so that a worker starts in a second.
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

const dist = (path) => fileURLToPath(new URL(`../dist/${path}`, import.meta.url));
const quiet = { log() {}, trace() {}, debug() {}, info() {}, warn: console.warn, error: console.error };
const { code } = await bundleWorkflowCode({ workflowsPath: dist('workflows/index.js'), logger: quiet });
await writeFile(dist('workflows.bundle.cjs'), code);
