import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TributaryError } from '../common/errors.js';
import { type Endpoints, endpointsOf } from './endpoints.js';
import { withFileLock } from './file-lock.js';
import { launch, ownerMark } from './launcher.js';
import { cacheDir, stackDir, stackPaths } from './paths.js';
import { parsePortOffset, portsFor } from './ports.js';
import { checkPorts } from './port-check.js';
import { checkDisk } from './preflight.js';
import { liveProcesses, stopDaemon } from './proc/daemon.js';
import { type Report, silent } from './progress.js';
import { CORE, UNITS, selectUnits, withDependencies, withDependents } from './services/index.js';
import type { Unit, UnitContext, UnitName } from './services/unit.js';
import { type StackState, initialState, readState, writeState } from './state.js';
import { type UnitStatus, unitStatus } from './status.js';

export interface ManagerOptions {
  /** The stack's directory; by default the environment's, or `.stack` of this checkout. */
  root?: string;
  cache?: string;
  report?: Report;
}

/** Starts, stops and watches the services of one stack directory. Safe beside other processes that do the same. */
export class StackManager {
  readonly root: string;
  readonly cache: string;
  readonly report: Report;

  constructor(options: ManagerOptions = {}) {
    this.root = options.root ?? stackDir();
    this.cache = options.cache ?? cacheDir();
    this.report = options.report ?? silent;
  }

  get state(): StackState {
    return readState(this.root) ?? initialState();
  }

  get endpoints(): Endpoints {
    return endpointsOf(this.state.ports);
  }

  /** Starts services (by default the core) and what they need, and waits until all of them answer. */
  async up(names: string[] = CORE, options: { portOffset?: number } = {}): Promise<void> {
    const units = withDependencies(selectUnits(names));
    await checkDisk(this.root);
    await checkDisk(this.cache);
    await this.settlePorts(options.portOffset);
    const idle = units.filter((unit) => !this.isRunning(unit));
    const { ports, portOffset } = this.state;
    await checkPorts(idle, ports, portOffset, this.root);
    await this.updateState((state) => {
      state.wanted = UNITS.map(({ name }) => name as string).filter(
        (name) => state.wanted.includes(name) || units.some((unit) => unit.name === name),
      );
    });
    await this.launchAll(units);
  }

  /** Starts one service or unit without looking after what it needs. */
  async start(name: string): Promise<void> {
    await this.settlePorts(undefined);
    await this.launchAll(selectUnits([name]));
  }

  /** Ends a service or unit in good order. It still counts as wanted: `status` shows it as down. */
  async stop(name: string): Promise<void> {
    await Promise.all(selectUnits([name]).map((unit) => this.end(unit, unit.stopGraceMs)));
  }

  /** Ends a service or unit by SIGKILL, as a crash would. */
  async kill(name: string): Promise<void> {
    await Promise.all(selectUnits([name]).map((unit) => this.end(unit, 0)));
  }

  /** Stops a service or unit and starts it again. */
  async restart(name: string): Promise<void> {
    await this.stop(name);
    await this.start(name);
  }

  /** Ends services (by default all) and what cannot work without them; with `wipe` their data goes too. */
  async down(names: string[] = [], options: { wipe?: boolean } = {}): Promise<void> {
    const units = names.length === 0 ? [...UNITS] : withDependents(selectUnits(names));
    await this.updateState((state) => {
      state.wanted = state.wanted.filter((name) => !units.some((unit) => unit.name === name));
    });
    const ended = new Map<UnitName, Promise<void>>();
    const nothing = Promise.resolve();
    // Hive flushes to HDFS while it ends, so what needs a unit ends before it.
    for (const unit of [...units].reverse()) {
      const dependents = units
        .filter(({ after }) => after.includes(unit.name))
        .map(({ name }) => ended.get(name) ?? nothing);
      ended.set(
        unit.name,
        Promise.all(dependents).then(() => this.end(unit, unit.stopGraceMs)),
      );
    }
    await Promise.all(ended.values());
    if (!options.wipe) return;
    if (names.length === 0) {
      for (const part of ['data', 'conf', 'logs', 'run', 'locks', 'state.json']) {
        await rm(join(this.root, part), { recursive: true, force: true });
      }
    } else {
      const paths = stackPaths(this.root);
      await Promise.all(
        units.map(({ service }) => rm(paths.data(service), { recursive: true, force: true })),
      );
    }
    this.report('stack', `deleted the data of ${names.length === 0 ? 'all services' : names.join(', ')}`);
  }

  /** How each unit is. */
  async status(): Promise<UnitStatus[]> {
    const { wanted } = this.state;
    return Promise.all(UNITS.map((unit) => unitStatus(unit, this.context(''), wanted.includes(unit.name))));
  }

  /** Brings programs into the cache without starting anything. */
  async fetch(names: string[]): Promise<void> {
    await checkDisk(this.cache);
    await Promise.all(
      withDependencies(selectUnits(names)).map((unit) => unit.fetch(this.cache, this.report)),
    );
  }

  private async launchAll(units: Unit[]): Promise<void> {
    const launched = new Map<UnitName, Promise<void>>();
    for (const unit of units) {
      const needed = unit.after.map((name) => launched.get(name) ?? Promise.resolve());
      const work = async () => {
        const program = await unit.fetch(this.cache, this.report);
        await Promise.all(needed);
        await this.locked(unit, () => launch(unit, this.context(program), this.state.portOffset));
      };
      launched.set(unit.name, work());
    }
    // All are given their chance, so that one failure does not leave the others half started.
    const results = await Promise.allSettled(launched.values());
    const failures = [
      ...new Set(
        results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : [])),
      ),
    ];
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) {
      throw new AggregateError(failures, `${failures.length} services did not start`);
    }
  }

  private end(unit: Unit, graceMs: number): Promise<void> {
    return this.locked(unit, async () => {
      const paths = stackPaths(this.root);
      const any = await stopDaemon(paths.pidFile(unit.name), ownerMark(this.root, unit.name), graceMs);
      if (any) this.report(unit.name, graceMs > 0 ? 'ended' : 'killed');
    });
  }

  private isRunning(unit: Unit): boolean {
    const pidFile = stackPaths(this.root).pidFile(unit.name);
    return liveProcesses(pidFile, ownerMark(this.root, unit.name)).length > 0;
  }

  /** Fixes the stack's ports at its first start; later only a stack without data may move. */
  private settlePorts(flag: number | undefined): Promise<void> {
    const fromEnvironment = process.env.TRIBUTARY_STACK_PORT_OFFSET;
    const asked = flag ?? (fromEnvironment ? parsePortOffset(fromEnvironment) : undefined);
    return this.updateState((state) => {
      if (asked === undefined || asked === state.portOffset) return;
      if (existsSync(join(this.root, 'data'))) {
        throw new TributaryError({
          code: 'StackPortsSettled',
          message:
            `The stack in ${this.root} has its ports moved by ${state.portOffset}, and its data name them ` +
            `(Hive's tables hold HDFS addresses), so they cannot move by ${asked} now. ` +
            `Leave the offset out, or delete the data: \`npm run stack -- down --wipe\`.`,
        });
      }
      state.portOffset = asked;
      state.ports = portsFor(asked);
    });
  }

  private updateState(change: (state: StackState) => void): Promise<void> {
    return withFileLock(stackPaths(this.root).lockFile, () => {
      const state = this.state;
      change(state);
      writeState(this.root, state);
      return Promise.resolve();
    });
  }

  private locked(unit: Unit, work: () => Promise<void>): Promise<void> {
    const onWait = (holder: string) => this.report(unit.name, `waiting for another stack command, ${holder}`);
    return withFileLock(join(this.root, 'locks', unit.name), work, { onWait });
  }

  private context(program: string): UnitContext {
    const { ports } = this.state;
    return {
      program,
      paths: stackPaths(this.root),
      ports,
      endpoints: endpointsOf(ports),
      cache: this.cache,
      report: this.report,
    };
  }
}
