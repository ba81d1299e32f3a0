import { setCurrentDetails } from '@temporalio/workflow';
import { allOrNone } from './batch.js';
import { run } from './run-activity.js';
import type { SnapshotDone, SnapshotInput, SnapshotPlanned } from './snapshot-types.js';

/** Split tasks and merges that are asked for at the same time; the workers take as many as they have cores. */
const AT_A_TIME = 32;
/** A history holds some thousand activities well; more buckets than this share one. */
const MERGE_ACTIVITIES = 1_000;

/**
 * One snapshot: fixes its inputs, shares the changes out over buckets of keys, merges every bucket, and publishes all of
 * them with one pointer move. Started anew after a failure it makes the same rows.
 */
export async function snapshot(input: SnapshotInput): Promise<SnapshotDone> {
  const { name } = input.boundary;
  const planned = await run('planSnapshot', `plan ${input.spec.name} ${name}`, input);
  const { plan } = planned;
  const tell = (step: string): void => setCurrentDetails(details(input, planned, step));
  tell('shares the changes out over the buckets');
  await waves([
    ...tasks(planned.splitTasks, (task) =>
      run('splitSnapshot', `changes ${task + 1} of ${planned.splitTasks}`, { plan, kind: 'changes', task }),
    ),
    ...tasks(planned.baseTasks, (task) =>
      run('splitSnapshot', `previous rows ${task + 1} of ${planned.baseTasks}`, { plan, kind: 'base', task }),
    ),
  ]);
  tell('merges');
  if (planned.engine === 'hive') {
    await run('mergeSnapshotInHive', `merge ${name} on the cluster`, { plan });
  } else {
    const share = Math.ceil(planned.buckets / MERGE_ACTIVITIES);
    await waves(
      tasks(Math.ceil(planned.buckets / share), (i) => {
        const from = i * share;
        const to = Math.min(planned.buckets, from + share);
        return run('mergeSnapshot', `merge bucket ${from + 1} of ${planned.buckets}`, { plan, from, to });
      }),
    );
  }
  tell('checks the counts and publishes');
  return run('publishSnapshot', `publish ${name}`, { plan });
}

function tasks<T>(count: number, start: (index: number) => Promise<T>): (() => Promise<T>)[] {
  return Array.from({ length: count }, (_, index) => () => start(index));
}

async function waves(starts: (() => Promise<unknown>)[]): Promise<void> {
  for (let i = 0; i < starts.length; i += AT_A_TIME) await allOrNone(starts.slice(i, i + AT_A_TIME));
}

/** Markdown for the Web UI's details panel. */
function details(
  { spec, boundary, previous, again }: SnapshotInput,
  planned: SnapshotPlanned,
  step: string,
): string {
  const from = previous?.name ?? (spec.bootstrap ? 'the bootstrap' : 'nothing');
  return [
    `| ${spec.name} | ${boundary.name}${again ? ', made anew' : ''} |`,
    '|---|---|',
    `| now | ${step} |`,
    `| starts from | ${from}: ${planned.previousRows.toLocaleString('en-US')} rows |`,
    `| changes | ${planned.changeFiles} files, ${planned.changeBytes.toLocaleString('en-US')} bytes |`,
    `| engine | ${planned.reason} |`,
  ].join('\n');
}
