import { liveProcesses, readRecord } from './proc/daemon.js';
import { isAlive, residentBytes } from './proc/identity.js';
import { errorMessage } from '../common/errors.js';
import { ownerMark } from './launcher.js';
import type { ServiceName, Unit, UnitContext, UnitName } from './services/unit.js';

/** `up` answers; `unready` runs but does not answer; `down` should run but does not; `stopped` need not run. */
export type UnitState = 'up' | 'unready' | 'down' | 'stopped';

export interface UnitStatus {
  unit: UnitName;
  service: ServiceName;
  state: UnitState;
  wanted: boolean;
  pid: number | null;
  port: number;
  memoryBytes: number | null;
  uptimeSeconds: number | null;
  log: string;
  /** Why it is not ready, in one line. */
  problem: string | null;
}

const PROBE_DEADLINE_MS = 20_000;

/** How one unit is, asked through its own protocol if its process lives. */
export async function unitStatus(unit: Unit, context: UnitContext, wanted: boolean): Promise<UnitStatus> {
  const { paths, ports } = context;
  const pidFile = paths.pidFile(unit.name);
  const record = readRecord(pidFile);
  const status: UnitStatus = {
    unit: unit.name,
    service: unit.service,
    state: wanted ? 'down' : 'stopped',
    wanted,
    pid: null,
    port: ports[unit.ports[0]],
    memoryBytes: null,
    uptimeSeconds: null,
    log: paths.log(unit.name),
    problem: null,
  };
  if (record === undefined || !isAlive(record)) {
    if (record !== undefined) status.problem = `its process ${record.pid} is gone`;
    return status;
  }
  const processes = liveProcesses(pidFile, ownerMark(paths.root, unit.name));
  status.pid = record.pid;
  status.memoryBytes = processes.reduce((sum, { pid }) => sum + (residentBytes(pid) ?? 0), 0);
  status.uptimeSeconds = Math.max(0, Math.round((Date.now() - Date.parse(record.startedAt)) / 1000));
  try {
    await withDeadline(unit.probe(context));
    status.state = 'up';
  } catch (error) {
    status.state = 'unready';
    status.problem = errorMessage(error).split('\n')[0] ?? null;
  }
  return status;
}

async function withDeadline(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no answer within ${PROBE_DEADLINE_MS / 1000} s`)),
      PROBE_DEADLINE_MS,
    );
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
