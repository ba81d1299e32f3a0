import { isTributaryError } from '../common/errors.js';
import type { OrderKind } from '../warehouse/snapshot/types.js';
import { sourceError } from './errors.js';
import type { MysqlSession } from './mysql-session.js';

/** Bits of a TSO below its milliseconds. */
const TSO_LOGICAL_BITS = 18n;

/** The instant of a TSO, ms since the epoch. */
export function tsoToMs(tso: string): number {
  return Number(BigInt(tso) >> TSO_LOGICAL_BITS);
}

/** The TSO to read as of, to see what was committed before an instant: the last one before it. */
export function tsoBefore(ms: number): string {
  return ((BigInt(ms) << TSO_LOGICAL_BITS) - 1n).toString();
}

/**
 * `cdc_ts` of the rows that were read as of a TSO, in the terms of the log's order key. Where that is coarser than a TSO, or
 * no time, the rows take the place just before: the log repeats what it had by then, and its repeats change nothing.
 */
export function bootstrapCdcTs(order: OrderKind, tso: string): string {
  switch (order) {
    case 'tso':
      return tso;
    case 'ms':
      return String(tsoToMs(tso) - 1);
    default:
      return '-1';
  }
}

/** A TSO of now, to read a whole table as of. */
export async function currentTso(session: MysqlSession): Promise<string> {
  await session.run('START TRANSACTION', 'taking a TSO');
  try {
    const [row] = await session.rows('SELECT @@tidb_current_ts', 'taking a TSO');
    const tso = row?.[0];
    if (tso && tso !== '0') return tso;
  } catch (error) {
    // MySQL does not know the variable.
    if (!isTributaryError(error, 'SourceRefused')) throw error;
  } finally {
    await session.run('COMMIT', 'taking a TSO');
  }
  throw sourceError(
    'SourceUnsuitable',
    'The server gives no TSO: a bootstrap of kind tidb needs TiDB, because only TiDB reads a whole table as of one instant.',
  );
}

export interface GcState {
  /** Versions older than this instant may be gone. */
  safePointMs: number | null;
  /** How long TiDB keeps versions. */
  lifeMs: number;
}

/** What TiDB keeps of the past. */
export async function readGcState(session: MysqlSession): Promise<GcState> {
  const what = `reading TiDB's garbage collection settings`;
  const rows = await session.rows(
    `SELECT variable_name, variable_value FROM mysql.tidb WHERE variable_name IN ('tikv_gc_safe_point', 'tikv_gc_life_time')`,
    what,
  );
  const stored = new Map(rows.map(([name, value]) => [name, value]));
  const [life] = await session.rows(`SHOW VARIABLES LIKE 'tidb_gc_life_time'`, what);
  return {
    safePointMs: parseSafePoint(stored.get('tikv_gc_safe_point') ?? null),
    lifeMs: parseDuration(life?.[1] ?? stored.get('tikv_gc_life_time') ?? '10m0s'),
  };
}

/**
 * Refuses a read whose versions are gone, before it returns rows of another time or fails half way.
 * @param neededMs how long the read will take; undefined: not known
 * @throws TributaryError SourceSnapshotLost
 */
export function checkGcLife(tso: string, gc: GcState, nowMs: number, neededMs?: number): void {
  const at = tsoToMs(tso);
  const iso = new Date(at).toISOString();
  if (gc.safePointMs !== null && at < gc.safePointMs) {
    throw sourceError(
      'SourceSnapshotLost',
      `TiDB no longer has the rows of ${iso}: its garbage collection has passed ${new Date(gc.safePointMs).toISOString()}. ` +
        `Raise tidb_gc_life_time (SET GLOBAL tidb_gc_life_time = '24h') and begin again.`,
      { tso, safePointMs: gc.safePointMs },
    );
  }
  const leftMs = at + gc.lifeMs - nowMs;
  if (neededMs === undefined || leftMs >= neededMs) return;
  throw sourceError(
    'SourceSnapshotLost',
    `TiDB keeps the rows of ${iso} for ${Math.max(0, Math.round(leftMs / 1000))} s more (tidb_gc_life_time), but reading them ` +
      `will take about ${Math.round(neededMs / 1000)} s. Raise it first: SET GLOBAL tidb_gc_life_time = '24h'.`,
    { tso, leftMs, neededMs },
  );
}

/** `20240101-00:00:00 +0000`, or with a fraction: TiDB's own notation. */
export function parseSafePoint(text: string | null): number | null {
  const match = /^(\d{4})(\d\d)(\d\d)-(\d\d:\d\d:\d\d)(?:\.(\d+))? ([+-]\d\d)(\d\d)/.exec(text ?? '');
  if (!match) return null;
  const part = (i: number): string => match[i] ?? '';
  const ms = part(5).slice(0, 3).padEnd(3, '0');
  return Date.parse(`${part(1)}-${part(2)}-${part(3)}T${part(4)}.${ms}${part(6)}:${part(7)}`);
}

/** Go's notation of a duration: `10m0s`, `24h0m0s`. */
export function parseDuration(text: string): number {
  const units: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
  let total = 0;
  for (const [, value, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)) {
    total += Number(value) * units[unit!]!;
  }
  return total;
}
