import { randomUUID } from 'node:crypto';
import pc from 'picocolors';
import { isTributaryError, TributaryError } from '../../common/errors.js';
import type { TableSpec } from '../../config/spec.js';
import {
  replayMemberSignal,
  replayQuarantineSignal,
  specQuery,
  topicQuery,
} from '../../workflows/messages.js';
import { ingestWorkflowId, tableWorkflowId } from '../../workflows/names.js';
import type { Replay } from '../../workflows/replay-types.js';
import { configDifferences } from '../diff.js';
import { count, counted, note, print, printJson } from '../output.js';
import {
  QuarantineFiles,
  quarantinesOf,
  sourceOf,
  type Quarantine,
  type QuarantineCount,
} from '../quarantine-files.js';
import { byReason, chosen, filterOf, nothingChosen } from '../quarantine-text.js';
import { openSession, settingsOf, temporalTarget } from '../session.js';
import { ask, ifRunning, withTemporal, type TemporalClient } from '../temporal.js';
import { workerMissing, workersComing } from '../workers-alive.js';

const LOOK_EVERY_MS = 1_000;
/** A request that the topic has not taken up by then waits behind something that the person should know of. */
const REMARK_AFTER_MS = 15_000;

interface ReplayOptions {
  config: string;
  json?: boolean;
  reason?: string;
  day?: string;
  id?: string;
  dryRun?: boolean;
  detach?: boolean;
}

/** Lands quarantined records again by the config that their tables run now. */
export async function replay(name: string, options: ReplayOptions): Promise<void> {
  const session = await openSession(options.config);
  const quarantine = quarantinesOf(session, name)[0]!;
  const { name: table, shared } = quarantine;
  const source = sourceOf(quarantine);
  const topicWorkflow = ingestWorkflowId(source.kafka, source.topic);
  const specs = session.specs.filter((spec) =>
    shared ? spec.kafka === source.kafka && spec.topic === source.topic : spec.name === table,
  );
  const { taskQueue } = session.runtime.temporal;
  const target = await temporalTarget(session.runtime.temporal);
  const all = await QuarantineFiles.with(session, (files) => files.counts(quarantine, Infinity));
  const counts = chosen(all, options);
  const records = counts.reduce((sum, each) => sum + each.records, 0);
  const tellChoice = (): void => {
    const nothing = records === 0 ? nothingChosen(table, options, all) : undefined;
    if (options.json) printJson({ table, records, byReason: byReason(counts), inQuarantine: byReason(all) });
    else print(nothing ?? `Would try ${words(counts)} of ${table}.`);
  };
  const { id = randomUUID() } = options;
  if (options.dryRun || (records === 0 && id !== options.id)) return tellChoice();
  await withTemporal(target, async (client) => {
    if (!(await workersComing(client, taskQueue))) throw nothingAsked(table, workerMissing(taskQueue));
    if (id === options.id) {
      const earlier = await ended(client, topicWorkflow, quarantine, id);
      if (earlier) {
        note('a replay of this id was asked for before; this is what became of it, and nothing was done now');
        return show(table, earlier, earlier.tried, options);
      }
    }
    if (records === 0) return tellChoice();
    if (!options.json) note(`trying ${words(counts)} of ${table}`);
    for (const spec of specs) {
      await checkSpec(client, spec, { spec, settings: settingsOf(session.runtime, spec) }, shared);
    }
    const request = { id, ...filterOf(options) };
    if (shared) {
      await client.workflow.signalWithStart('ingest', {
        workflowId: topicWorkflow,
        taskQueue,
        args: [source],
        signal: replayMemberSignal,
        signalArgs: [{ ...request, table, pin: '', shared }],
        staticSummary: `reads ${source.topic} (${source.kafka}) for all its tables`,
      });
    } else await client.workflow.getHandle(tableWorkflowId(table)).signal(replayQuarantineSignal, request);
    if (!options.detach) {
      return show(table, await waitFor(client, topicWorkflow, quarantine, id), records, options);
    }
    if (options.json) printJson({ table, id });
    else print(`asked for as ${id}`);
  });
}

/** @param asked records that the person meant */
function show(table: string, result: Replay, asked: number, options: ReplayOptions): void {
  if (options.json) printJson({ ...result, table });
  else tell(result, asked);
  if (result.status !== 'failed') return;
  process.exitCode = 1;
  note(
    `${pc.red('ReplayFailed')}: the replay ${result.id} of ${table} changed nothing: ${result.message ?? ''}`,
  );
}

/** The replay of an id that was asked for before and has ended; undefined if nobody knows of one. */
async function ended(
  client: TemporalClient,
  topicWorkflow: string,
  quarantine: Quarantine,
  id: string,
): Promise<Replay | undefined> {
  const found = (await replaysOf(client, topicWorkflow, quarantine)).find((each) => each.id === id);
  return found?.status === 'waiting' ? undefined : found;
}

async function replaysOf(
  client: TemporalClient,
  topicWorkflow: string,
  { name, shared }: Quarantine,
): Promise<Replay[]> {
  const state = await ifRunning(() => ask(client, topicWorkflow, topicQuery));
  return (shared ? state?.replays : state?.members[name]?.replays) ?? [];
}

function nothingAsked(table: string, why: string): TributaryError {
  return new TributaryError({
    code: 'WorkerMissing',
    message: `Nothing was asked for, and nothing of it is kept: ${why}`,
    retryable: true,
    attributes: { table },
  });
}

/**
 * Records are read by what the table runs, so an edited config must have been started first.
 * @param optional of many tables some may be stopped: records that they read stay
 * @throws TributaryError TableNotRunning, ConfigNotStarted
 */
async function checkSpec(
  client: TemporalClient,
  spec: TableSpec,
  wanted: unknown,
  optional: boolean,
): Promise<void> {
  const running = await ifRunning(() => ask(client, tableWorkflowId(spec.name), specQuery)).catch(
    (error: unknown) => {
      throw isTributaryError(error, 'WorkerMissing') ? nothingAsked(spec.name, error.message) : error;
    },
  );
  const description = running && (await client.workflow.getHandle(tableWorkflowId(spec.name)).describe());
  if (!running || description?.status.name !== 'RUNNING') {
    if (optional) return;
    throw new TributaryError({
      code: 'TableNotRunning',
      message: `${spec.name} does not run. Start it with: tributary start ${spec.name}`,
    });
  }
  const changes = configDifferences(running, wanted);
  if (changes.length === 0) return;
  throw new TributaryError({
    code: 'ConfigNotStarted',
    message:
      `${spec.name} does not run by this config yet (${changes.map(({ path }) => path).join(', ')} differ). ` +
      `Start it first: tributary start ${spec.name}`,
    attributes: { table: spec.name },
  });
}

async function waitFor(
  client: TemporalClient,
  topicWorkflow: string,
  quarantine: Quarantine,
  id: string,
): Promise<Replay> {
  const { name, shared } = quarantine;
  const begun = Date.now();
  let remarked = false;
  for (;;) {
    const found = (await replaysOf(client, topicWorkflow, quarantine)).find((each) => each.id === id);
    if (found && found.status !== 'waiting') return found;
    if (!remarked && Date.now() - begun > REMARK_AFTER_MS) {
      remarked = true;
      note(
        `${found ? 'It is under way' : 'It waits for its turn'}; tributary status${shared ? '' : ` ${name}`} shows what holds things up. ` +
          'You may leave: it goes on without this command.',
      );
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

const WORDS: Record<string, string> = {
  no_rows: 'no table gets a row of them',
  table_not_running: 'a table that read them does not run',
  readers_unknown:
    'it was not noted which tables read them (an earlier version): let the source send them again',
};

function tell(result: Replay, asked: number): void {
  print(
    `${count(result.landed)} of ${counted(Math.max(asked, result.tried), 'record')} landed and left the quarantine`,
  );
  const gone = asked - result.tried;
  if (gone > 0) print(`  ${counted(gone, 'record')} had left the quarantine before this one's turn came`);
  for (const [reason, records] of Object.entries(result.reasons).sort(([, a], [, b]) => b - a)) {
    print(`  ${count(records)} stay: ${WORDS[reason] ?? reason}`);
  }
  if (result.moved !== undefined && result.moved > 0) {
    print(
      `  ${count(result.moved)} are claimed by a table now and do not fit it: they are in its own quarantine`,
    );
  }
}

function words(counts: QuarantineCount[]): string {
  const reasons = Object.entries(byReason(counts)).map(([reason, n]) => `${count(n)} ${reason}`);
  const total = counts.reduce((sum, each) => sum + each.records, 0);
  return `${counted(total, 'record')} (${reasons.join(', ')})`;
}
