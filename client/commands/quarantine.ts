import { randomUUID } from 'node:crypto';
import pc from 'picocolors';
import { TributaryError } from '../../common/errors.js';
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
import { count, counted, note, print, printJson, renderTable } from '../output.js';
import {
  QuarantineFiles,
  quarantinesOf,
  sourceOf,
  type Quarantine,
  type QuarantineCount,
} from '../quarantine-files.js';
import { byReason, chosen, cutText, nothingChosen } from '../quarantine-text.js';
import { encodedBytes, shownBytes } from '../raw-bytes.js';
import { openSession, settingsOf, temporalTarget } from '../session.js';
import { ask, ifRunning, withTemporal, type TemporalClient } from '../temporal.js';
import { handedInOnly, workersComing } from '../workers-alive.js';

interface Options {
  config: string;
  json?: boolean;
}

/** Reasons of a day are looked up in its files; the list of all tables leaves days out that are larger than this. */
const LIST_BYTES = 64 << 20;
const SHOWN_BYTES = 600;
const LOOK_EVERY_MS = 1_000;
/** A request that the topic has not taken up by then waits behind something that the person should know of. */
const REMARK_AFTER_MS = 15_000;

/** Counts by table, day and reason. */
export async function list(table: string | undefined, options: Options): Promise<void> {
  const session = await openSession(options.config);
  const quarantines = quarantinesOf(session, table);
  const counts = await QuarantineFiles.with(session, async (files) => {
    const all: QuarantineCount[] = [];
    for (const quarantine of quarantines) {
      all.push(...(await files.counts(quarantine, table === undefined ? LIST_BYTES : Infinity)));
    }
    return all;
  });
  if (options.json) return printJson(counts);
  if (counts.length === 0) return print('Nothing is in quarantine.');
  print(
    renderTable(
      [
        { title: 'table' },
        { title: 'day' },
        { title: 'reason' },
        { title: 'records', right: true },
        { title: 'first' },
        { title: 'last' },
      ],
      counts.map((each) => [
        each.table,
        each.day,
        each.reason ?? pc.dim('large: quarantine list ' + each.table),
        count(each.records),
        each.first ?? '',
        each.last ?? '',
      ]),
    ),
  );
}

/** The newest records of a quarantine, with their bytes. */
export async function show(
  table: string,
  options: Options & { limit: number; reason?: string; day?: string; full?: boolean },
): Promise<void> {
  const session = await openSession(options.config);
  const [quarantine] = quarantinesOf(session, table);
  const { records, all, total } = await QuarantineFiles.with(session, async (files) => {
    const found = await files.newest(quarantine!, filterOf(options), options.limit);
    // Only to say what there is instead.
    const wanted = found.length === 0 && !options.json;
    const all = wanted ? await files.counts(quarantine!, Infinity) : [];
    // Only a full page leaves open how many more there are.
    const cut = found.length === options.limit && !options.json;
    return {
      records: found,
      all,
      total: cut ? await files.total(quarantine!, filterOf(options), LIST_BYTES) : found.length,
    };
  });
  if (options.json) {
    return printJson(
      records.map(({ key, value, timestampMs, ...rest }) => ({
        ...rest,
        timestamp: timestampMs < 0 ? null : new Date(timestampMs).toISOString(),
        key: encodedBytes(key),
        value: encodedBytes(value),
      })),
    );
  }
  if (records.length === 0) print(nothingChosen(table, options, all));
  for (const record of records) {
    const { topic, partition, offset, timestampMs, reason, detail, batch } = record;
    const time = timestampMs < 0 ? 'no time' : new Date(timestampMs).toISOString();
    const limitBytes = options.full ? 0 : SHOWN_BYTES;
    print(`${pc.bold(`${topic}/${partition}/${offset}`)}  ${time}  ${pc.yellow(reason)}  ${pc.dim(batch)}`);
    if (detail !== null) print(`  ${pc.dim('detail')}  ${shownBytes(Buffer.from(detail), limitBytes)}`);
    print(`  ${pc.dim('key')}     ${shownBytes(record.key, limitBytes)}`);
    print(`  ${pc.dim('value')}   ${shownBytes(record.value, limitBytes)}`);
  }
  const line = cutText(records.length, total);
  if (line !== undefined) print(pc.dim(line));
}

interface ReplayOptions extends Options {
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
  const specs = session.specs.filter((spec) =>
    shared ? spec.kafka === source.kafka && spec.topic === source.topic : spec.name === table,
  );
  const all = await QuarantineFiles.with(session, (files) => files.counts(quarantine, Infinity));
  const counts = chosen(all, options);
  const records = counts.reduce((sum, each) => sum + each.records, 0);
  if (options.dryRun || records === 0) {
    const nothing = records === 0 ? nothingChosen(table, options, all) : undefined;
    if (options.json) {
      return printJson({ table, records, byReason: byReason(counts), inQuarantine: byReason(all) });
    }
    return print(nothing ?? `Would try ${words(counts)} of ${table}.`);
  }
  if (!options.json) note(`trying ${words(counts)} of ${table}`);
  const target = await temporalTarget(session.runtime.temporal);
  const result = await withTemporal(target, async (client) => {
    for (const spec of specs) {
      await checkSpec(client, spec, { spec, settings: settingsOf(session.runtime, spec) }, shared);
    }
    const id = options.id ?? randomUUID();
    const request = { id, ...filterOf(options) };
    const topicWorkflow = ingestWorkflowId(source.kafka, source.topic);
    if (shared) {
      await client.workflow.signalWithStart('ingest', {
        workflowId: topicWorkflow,
        taskQueue: session.runtime.temporal.taskQueue,
        args: [source],
        signal: replayMemberSignal,
        signalArgs: [{ ...request, table, pin: '', shared }],
        staticSummary: `reads ${source.topic} (${source.kafka}) for all its tables`,
      });
    } else await client.workflow.getHandle(tableWorkflowId(table)).signal(replayQuarantineSignal, request);
    const { taskQueue } = session.runtime.temporal;
    if (!(await workersComing(client, taskQueue))) {
      note(`${pc.yellow('WorkerMissing')}: ${handedInOnly(taskQueue)}`);
      return { id };
    }
    return options.detach ? { id } : waitFor(client, topicWorkflow, quarantine, id);
  });
  if (options.json) printJson({ table, ...result });
  if ('status' in result) {
    if (!options.json) tell(result, records);
    if (result.status === 'failed') {
      throw new TributaryError({
        code: 'ReplayFailed',
        message: `The replay ${result.id} of ${table} changed nothing: ${result.message ?? ''}`,
        attributes: { table, id: result.id },
      });
    }
  } else if (!options.json) print(`asked for as ${result.id}`);
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
  const running = await ifRunning(() => ask(client, tableWorkflowId(spec.name), specQuery));
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
  { name, shared }: Quarantine,
  id: string,
): Promise<Replay> {
  const begun = Date.now();
  let remarked = false;
  for (;;) {
    const state = await ifRunning(() => ask(client, topicWorkflow, topicQuery));
    const replays = shared ? state?.replays : state?.members[name]?.replays;
    const found = replays?.find((each) => each.id === id);
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

function filterOf({ reason, day }: { reason?: string; day?: string }): { reason?: string; day?: string } {
  return { ...(reason !== undefined && { reason }), ...(day !== undefined && { day }) };
}
