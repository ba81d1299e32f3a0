import type { Duck } from '../warehouse/duckdb.js';
import { movedWallSql } from './time-sql.js';
import type { LandingTable } from './types.js';
import { zoneClock, type ZoneClock } from './zone-clock.js';

/** Clocks of a table's changes. */
export interface ChangeZones {
  table: ZoneClock;
  eventTime: ZoneClock;
  /** The zone in which the log writes TIMESTAMP columns, where it is not the table's. */
  producer: ZoneClock | undefined;
}

export async function changeZones(duck: Duck, table: LandingTable): Promise<ChangeZones> {
  const { timezone, eventTime, formatOptions } = table.spec;
  return {
    table: await zoneClock(duck, timezone),
    eventTime: await zoneClock(duck, eventTime.zone),
    producer: movesTimes(table) ? await zoneClock(duck, String(formatOptions['zone'])) : undefined,
  };
}

/** True if the source types that the log tells with each record are needed to read the table's columns. */
export function needsTypes(table: LandingTable): boolean {
  return table.columns.some(({ type }) => type.toLowerCase() === 'binary') || movesTimes(table);
}

function movesTimes({ spec, columns }: LandingTable): boolean {
  const { zone } = spec.formatOptions;
  const hasTimes = columns.some(({ type }) => type.toLowerCase() === 'timestamp');
  return zone !== undefined && zone !== spec.timezone && hasTimes;
}

/**
 * `fitting`, the value of a time as it is written, moved to the table's clock where the source type says TIMESTAMP. DATETIME is no moment
 * and never moves, nor does a text that tells its own offset.
 */
export function movedTime(
  text: string,
  fitting: string,
  {
    zones,
    knownType,
    timestamps,
  }: { zones: ChangeZones; knownType: string; timestamps: 'native' | 'string' },
): string {
  if (!zones.producer) return fitting;
  const moved = movedWallSql(text, zones.producer, zones.table);
  return (
    `CASE WHEN starts_with(${knownType}, 'timestamp') AND ${moved} IS NOT NULL ` +
    `THEN ${timestamps === 'string' ? `(${moved})::VARCHAR` : moved} ELSE ${fitting} END`
  );
}
