import type { Client } from '@temporalio/client';
import { WorkflowIdConflictPolicy } from '@temporalio/common';
import pc from 'picocolors';
import { isTributaryError, TributaryError } from '../../common/errors.js';
import { connectionPrints } from '../../config/fingerprint.js';
import type { TableSpec } from '../../config/spec.js';
import { rebootstrapSignal, reloadSignal, specQuery, statusQuery } from '../../workflows/messages.js';
import type { ColumnFate } from '../../warehouse/column-fates.js';
import { ingestWorkflowId, tableWorkflowId } from '../../workflows/names.js';
import { searchAttributes } from '../../workflows/search-attributes.js';
import type { IngestSettings } from '../../workflows/ingest-types.js';
import type { TableInput } from '../../workflows/table-types.js';
import { configDifferences, type Difference } from '../diff.js';
import { note, print, printJson } from '../output.js';
import { overview } from '../overview.js';
import { openSession, pickTables, settingsOf, temporalTarget } from '../session.js';
import { reviveTable } from '../start-stopping.js';
import { ask, ifRunning, withTemporal } from '../temporal.js';
import { changeLines, notKept, reloadFates } from '../start-plan.js';
import { topicFindings, topicsOf, type TopicFinding } from '../topic-check.js';
import { liveWorkers, otherConnections, workerMissing, workersComing } from '../workers-alive.js';

/** The tables are started by then: whoever cannot reach Kafka from here need not wait for its deadlines. */
const TOPIC_PATIENCE_MS = 5_000;

interface Started {
  table: string;
  workflowId: string;
  outcome:
    | 'not in the config'
    | 'not asked'
    | 'started'
    | 'unchanged'
    | 'reloaded'
    | 'tries again'
    | 'held'
    | 'was being stopped, goes on'
    | 'joined its topic again'
    | 'refused'
    | 'would start'
    | 'would reload'
    | 'would be refused';
  /** In the words of the config file. */
  changes: Difference[];
  /** What becomes of the columns that change. */
  columns?: ColumnFate[];
  /** Why that is not known, or why nothing was done. */
  remark?: string;
  /** It was told to read its source once more. */
  rebootstraps?: boolean;
  /** What is wrong with its topic. */
  topic?: { code: string; message: string };
}

/** Starts tables, or brings those that run to what the config says now, showing what changes. */
export async function start(
  names: string[],
  options: { config: string; json?: boolean; dryRun?: boolean; rebootstrap?: boolean },
): Promise<void> {
  const { runtime, specs } = await openSession(options.config);
  const tables = pickTables(specs, names);
  if (options.rebootstrap) checkRebootstrap(tables, names);
  if (tables.length === 0) note('The config has no tables; add one (tributary discover proposes it).');
  // First, because tables that run must be asked what they run by, and maybe no worker is there to answer.
  const findings = options.dryRun ? topicFindings(tables, await topicsOf(runtime, tables)) : [];
  tellFindings(findings);
  if (findings.some(({ code }) => code === 'TopicNotFound')) process.exitCode = 1;
  const target = await temporalTarget(runtime.temporal);
  const started = await withTemporal(target, async (client) => {
    const results: Started[] = [];
    let unanswered: TributaryError | undefined;
    for (const spec of tables) {
      let result: Started;
      try {
        result = await startTable(client, spec, settingsOf(runtime, spec), runtime.temporal.taskQueue, {
          dryRun: !!options.dryRun,
          unanswered,
        });
      } catch (error) {
        if (!isTributaryError(error, 'WorkerMissing')) throw error;
        // The tables behind it may be new, and those need nobody's answer.
        unanswered = error;
        result = {
          table: spec.name,
          workflowId: tableWorkflowId(spec.name),
          outcome: 'not asked',
          changes: [],
          remark: notKept([spec.name]),
        };
        process.exitCode = 1;
        results.push(result);
        if (!options.json) show(result);
        continue;
      }
      if (result.outcome === 'refused' || result.outcome === 'would be refused') process.exitCode = 1;
      else if (options.rebootstrap && !options.dryRun) {
        await client.workflow.getHandle(result.workflowId).signal(rebootstrapSignal);
        result.rebootstraps = true;
      }
      results.push(result);
      if (!options.json) show(result);
    }
    const { taskQueue } = runtime.temporal;
    if (names.length === 0) results.push(...(await forgotten(client, specs, taskQueue)));
    if (unanswered) {
      note(`${pc.yellow(unanswered.code)}: ${unanswered.message}`);
      const notAsked = results.filter(({ outcome }) => outcome === 'not asked').map(({ table }) => table);
      note(`  ${notKept(notAsked)}`);
    } else if (!options.dryRun && tables.length > 0 && !(await workersComing(client, taskQueue))) {
      note(`${pc.yellow('WorkerMissing')}: ${workerMissing(taskQueue)}`);
    }
    if (!options.dryRun) {
      const read = tables.filter(({ name }) =>
        results.some((each) => each.table === name && readsAnew(each)),
      );
      findings.push(...topicFindings(read, await topicsOf(runtime, read, TOPIC_PATIENCE_MS)));
      tellFindings(findings);
    }
    const others = otherConnections(await liveWorkers(client, taskQueue), connectionPrints(runtime));
    if (others !== undefined) note(`${pc.yellow('WorkersOutdated')}: ${others}`);
    return results;
  });
  for (const { table, code, message } of findings) {
    started.find((each) => each.table === table)!.topic = { code, message };
  }
  if (options.json) printJson(started);
}

async function startTable(
  client: Client,
  spec: TableSpec,
  settings: IngestSettings,
  taskQueue: string,
  { dryRun, unanswered }: { dryRun: boolean; unanswered: TributaryError | undefined },
): Promise<Started> {
  const workflowId = tableWorkflowId(spec.name);
  const handle = client.workflow.getHandle(workflowId);
  const description = await ifRunning(() => handle.describe());
  const begin = async (): Promise<Started> => {
    if (!dryRun) await startWorkflow(client, { spec, settings }, taskQueue);
    return { table: spec.name, workflowId, outcome: dryRun ? 'would start' : 'started', changes: [] };
  };
  if (description?.status.name !== 'RUNNING') return begin();
  if (description.taskQueue !== taskQueue) throw elsewhere(spec.name, description.taskQueue, taskQueue);
  // Nobody answered for another table: waiting once more for each of hundreds tells nothing new.
  if (unanswered) throw unanswered;
  if (!(await workersComing(client, taskQueue))) throw nobodyToAsk(taskQueue);
  const running = await ask(client, workflowId, specQuery);
  const changes = configDifferences(running, { spec, settings });
  const state = await ask(client, workflowId, statusQuery);
  if (state.stopping) {
    if (dryRun || (await reviveTable(client, spec, settings)) === 'ended') {
      return { ...(await begin()), changes };
    }
    return { table: spec.name, workflowId, outcome: 'was being stopped, goes on', changes };
  }
  if (changes.length === 0) {
    const topic = client.workflow.getHandle(ingestWorkflowId(spec.kafka, spec.topic));
    const reading = (await ifRunning(() => topic.describe()))?.status.name === 'RUNNING';
    // Someone terminated the topic's workflow: its positions are in storage, and joining starts it again.
    // A table that waits for a person: starting it again says that it is mended, or that its log's new schema is accepted.
    const fault = reading ? state.progress?.fault : undefined;
    // Whoever starts a file of many tables decides nothing about the bad records of one.
    if (fault?.code === 'QuarantineLimit') {
      const remark = `${fault.code}: ${fault.message}`;
      return { table: spec.name, workflowId, outcome: 'held', changes, remark };
    }
    const waits = Boolean(fault);
    if ((!reading || waits) && !dryRun) await handle.signal(reloadSignal, { spec, settings });
    return {
      table: spec.name,
      workflowId,
      outcome: waits ? 'tries again' : reading ? 'unchanged' : 'joined its topic again',
      changes,
    };
  }
  const fates = await reloadFates(client, running.spec, spec);
  const planned = { table: spec.name, workflowId, changes, ...fates };
  if (fates.columns?.some(({ fate }) => fate === 'refused')) {
    const remark = `nothing is applied of it: ${spec.name} goes on by the config that it has`;
    return { ...planned, outcome: dryRun ? 'would be refused' : 'refused', remark };
  }
  if (!dryRun) await handle.signal(reloadSignal, { spec, settings });
  const remark = state.backfill?.running
    ? `backfill ${state.backfill.running.id} goes on by the config before this one; to have its days by this one, backfill them again when it has ended`
    : fates.remark;
  return {
    ...planned,
    ...(remark !== undefined && { remark }),
    outcome: dryRun ? 'would reload' : 'reloaded',
  };
}

async function startWorkflow(client: Client, input: TableInput, taskQueue: string): Promise<void> {
  const { spec } = input;
  await client.workflow.start('table', {
    workflowId: tableWorkflowId(spec.name),
    taskQueue,
    args: [input],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    staticSummary: `${spec.mode} of ${spec.kafka}/${spec.topic} (${spec.format})`,
    typedSearchAttributes: [
      { key: searchAttributes.table, value: spec.name },
      { key: searchAttributes.mode, value: spec.mode },
      { key: searchAttributes.source, value: `${spec.kafka}/${spec.topic}` },
      { key: searchAttributes.phase, value: 'preparing' },
      { key: searchAttributes.paused, value: false },
    ],
  });
}

/** Reading whole tables of a production database once more is asked for by name, and only where there is something to read. */
function checkRebootstrap(tables: TableSpec[], names: string[]): void {
  const without = tables.filter(({ mode, bootstrap }) => mode !== 'mirror' || !bootstrap);
  if (names.length > 0 && without.length === 0) return;
  throw new TributaryError({
    code: 'BootstrapMissing',
    message:
      names.length === 0
        ? '--rebootstrap reads whole tables of their sources: name the tables that it is meant for.'
        : `${without.map(({ name }) => name).join(', ')} has no \`bootstrap\` in the config, so there is nothing to read once more.`,
    attributes: { tables: without.map(({ name }) => name) },
  });
}

/** Tables that run and were taken out of the config since. Nothing is done to them: a file that lacks a line is no order. */
async function forgotten(client: Client, specs: TableSpec[], taskQueue: string): Promise<Started[]> {
  const known = specs.map(({ name, mode, kafka, topic }) => ({ name, mode, source: `${kafka}/${topic}` }));
  const running = (await overview(client, known, taskQueue)).filter(({ workflowId }) => workflowId !== null);
  const left = running.filter(({ table }) => !specs.some(({ name }) => name === table));
  for (const { table } of left) {
    note(
      `${pc.yellow('TableNotInConfig')}: ${table} runs by a config that it was in, and goes on. ` +
        `To end it: tributary stop ${table} (its data and positions stay). To keep it: put it back into the config.`,
    );
  }
  return left.map(({ table, workflowId }) => ({
    table,
    workflowId: workflowId!,
    outcome: 'not in the config',
    changes: [],
  }));
}

function nobodyToAsk(taskQueue: string): TributaryError {
  const message = workerMissing(taskQueue);
  return new TributaryError({ code: 'WorkerMissing', message, retryable: true });
}

/** Workflow ids are names of the namespace: two installations in one need different table names. */
function elsewhere(table: string, theirs: string, ours: string): TributaryError {
  return new TributaryError({
    code: 'TableElsewhere',
    message:
      `Table ${table} runs already in another installation: on task queue ${theirs}, this config says ${ours}. ` +
      'Use its config, give the table another name, or use another temporal.namespace.',
    attributes: { table, theirs, ours },
  });
}

function tellFindings(findings: TopicFinding[]): void {
  for (const { code, message } of findings) note(`${pc.yellow(code)}: ${message}`);
}

/** Whether a table reads a topic from now on that it did not read before. */
function readsAnew({ outcome, changes }: Started): boolean {
  if (outcome === 'started') return true;
  return outcome === 'reloaded' && changes.some(({ path }) => path === 'from.topic' || path === 'from.kafka');
}

function show({ table, outcome, changes, workflowId, rebootstraps, columns = [], remark }: Started): void {
  print(`${pc.bold(table)}  ${outcome}  ${pc.dim(workflowId)}`);
  if (rebootstraps) print('  reads its source once more; status shows how far it is');
  for (const line of changeLines(changes, columns)) print(`  ${line}`);
  // Of hundreds of tables that nobody answers for it is told once.
  if (remark !== undefined && outcome !== 'not asked') print(`  ${remark}`);
}
