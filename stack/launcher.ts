import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { TributaryError, errorMessage } from '../common/errors.js';
import { checkPorts } from './port-check.js';
import { type Started, liveProcesses, readRecord, startDaemon, stopDaemon } from './proc/daemon.js';
import { isAlive } from './proc/identity.js';
import { lastLines } from './proc/run.js';
import { heartbeat, seconds } from './progress.js';
import type { Unit, UnitContext } from './services/unit.js';

const PROBE_PAUSE_MS = 200;

/** The mark that processes of a unit carry in their environment. */
export function ownerMark(root: string, unit: string): string {
  return `${root}:${unit}`;
}

/** Makes a unit run and answer. Does nothing but wait if it already runs. */
export async function launch(unit: Unit, context: UnitContext, portOffset: number): Promise<void> {
  const { paths, report } = context;
  const owner = ownerMark(paths.root, unit.name);
  const pidFile = paths.pidFile(unit.name);
  const record = readRecord(pidFile);
  if (record !== undefined && isAlive(record)) {
    await waitReady(unit, context, undefined);
    report(unit.name, `is already up (pid ${record.pid})`);
    return;
  }
  if (record !== undefined) report(unit.name, `its process ${record.pid} of before is gone: starting anew`);
  if (liveProcesses(pidFile, owner).length > 0) {
    report(unit.name, 'ending left-over processes of an earlier run');
    await stopDaemon(pidFile, owner, unit.stopGraceMs);
  }
  await checkPorts([unit], context.ports, portOffset, paths.root);
  await unit.prepare(context);
  const start = Date.now();
  const started = await startDaemon(unit.command(context), {
    log: paths.log(unit.name),
    pid: pidFile,
    owner,
  });
  report(unit.name, `starting (pid ${started.record.pid})`);
  await waitReady(unit, context, started);
  const port = context.ports[unit.ports[0]];
  report(unit.name, `is up on port ${port} after ${seconds(Date.now() - start)}`);
}

/** Waits until a running unit answers through its own protocol, or says why it will not. */
export async function waitReady(
  unit: Unit,
  context: UnitContext,
  started: Started | undefined,
): Promise<void> {
  const { paths, report } = context;
  const start = Date.now();
  let latest = 'no answer yet';
  const stop = heartbeat((elapsed) => report(unit.name, `still starting (${seconds(elapsed)}): ${latest}`));
  const isGone = () => {
    if (started) return started.exit() !== undefined || !isAlive(started.record);
    return liveProcesses(paths.pidFile(unit.name), ownerMark(paths.root, unit.name)).length === 0;
  };
  try {
    for (;;) {
      if (isGone()) {
        // The process may be gone a moment before its exit code is known.
        await Promise.race([started?.ended, delay(started ? 2000 : 0)]);
        throw diedError(unit, context, started);
      }
      try {
        await unit.probe(context);
        // Its port may have answered for a stranger while the unit itself was failing.
        if (isGone()) continue;
        await unit.afterReady?.(context);
        return;
      } catch (error) {
        latest = errorMessage(error).split('\n')[0] ?? '';
      }
      if (Date.now() - start > unit.readyTimeoutMs) throw lateError(unit, context, latest);
      await delay(PROBE_PAUSE_MS);
    }
  } finally {
    stop();
  }
}

function diedError(unit: Unit, { paths }: UnitContext, started: Started | undefined): TributaryError {
  const exit = started?.exit();
  const how =
    exit === undefined
      ? ''
      : exit.code === null
        ? ` by ${exit.signal ?? 'a signal'}`
        : ` with exit code ${exit.code}`;
  const log = paths.log(unit.name);
  return new TributaryError({
    code: 'StackServiceDied',
    message:
      `${unit.name} ended during its start${how}. The last lines of ${log}:\n` +
      lastLines(textFrom(log, started?.logOffset ?? 0)),
    attributes: { unit: unit.name, exitCode: exit?.code ?? null },
  });
}

function lateError(unit: Unit, { paths }: UnitContext, latest: string): TributaryError {
  const log = paths.log(unit.name);
  return new TributaryError({
    code: 'StackServiceLate',
    message:
      `${unit.name} runs but did not answer within ${unit.readyTimeoutMs / 1000} s (${latest}). ` +
      `\`npm run stack -- up ${unit.name}\` waits again; ` +
      `\`npm run stack -- restart ${unit.name}\` starts it anew. The last lines of ${log}:\n` +
      lastLines(textFrom(log, 0)),
    retryable: true,
    attributes: { unit: unit.name },
  });
}

/** The end of a file from an offset on, at most 64 KiB. */
function textFrom(file: string, offset: number): string {
  try {
    const handle = openSync(file, 'r');
    try {
      const size = fstatSync(handle).size;
      const from = Math.max(offset, size - 65536);
      const buffer = Buffer.alloc(Math.max(0, size - from));
      readSync(handle, buffer, 0, buffer.length, from);
      return buffer.toString('utf8');
    } finally {
      closeSync(handle);
    }
  } catch {
    return '(no log)';
  }
}
