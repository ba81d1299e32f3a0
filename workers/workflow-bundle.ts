import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type WorkflowBundleOption } from '@temporalio/worker';

/** Where the build puts the bundle: beside the compiled rooms. */
export const BUNDLE_FILE = fileURLToPath(new URL('../workflows.bundle.cjs', import.meta.url));

/** The bundle that the build made; made now, in a few seconds, where the worker runs from its sources (tests). */
export async function workflowBundle(): Promise<WorkflowBundleOption> {
  if (existsSync(BUNDLE_FILE)) return { codePath: BUNDLE_FILE };
  return bundleWorkflowCode({ workflowsPath: workflowsPath(), logger: undefined });
}

export function workflowsPath(): string {
  const compiled = fileURLToPath(new URL('../workflows/index.js', import.meta.url));
  return existsSync(compiled) ? compiled : compiled.replace(/\.js$/, '.ts');
}
