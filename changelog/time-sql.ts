import { lit } from '../warehouse/duckdb.js';
import { microsOfWall, wallOfMicros, type ZoneClock } from './zone-clock.js';

/**
 * Times as SQL. A wall clock is a TIMESTAMP, an instant is microseconds since the epoch in a BIGINT. DuckDB's plain cast drops
 * an offset ('...T00:00:00+08:00' becomes 00:00:00), so texts are told apart by their form first. The two commonest forms
 * come first and by cheap tests: a regular expression costs more than the cast.
 */

const DAY = '[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])';
const CLOCK = '([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]*)?)?';
const OFFSET = '([zZ]|[-+][0-9]{2}(:?[0-9]{2})?)';
const LOCAL_FORM = lit(`${DAY}([T ]${CLOCK})?`);
const OFFSET_FORM = lit(`${DAY}[T ]${CLOCK} ?${OFFSET}`);
const EPOCH_FORM = lit('-?[0-9]{1,19}(\\.[0-9]+)?([eE]\\+?[0-9]{1,2})?');

const isUtc = (text: string) => `suffix(${text}, 'Z') AND strlen(${text}) >= 17`;
const isPlainLocal = (text: string) => `${text} LIKE '____-__-__ __:__:__'`;
const timestamp = (text: string) => `try_cast(${text} AS TIMESTAMP)`;
const offsetMicros = (text: string) => `epoch_us(try_cast(${text} AS TIMESTAMPTZ))`;

export type EpochUnit = 's' | 'ms' | 'us' | 'ns';

/** Instant of a text in UTC with its `Z`, else NULL: what `instantSql` and `wallSql` begin with, worth a column of its own. */
export function utcMicros(text: string): string {
  return `CASE WHEN ${isUtc(text)} THEN epoch_us(${timestamp(text)}) END`;
}

/**
 * Instant of a text: with an offset as it says, without one on the wall clock of `zone`, numbers by `epochSql`. NULL if it
 * cannot be read.
 */
export function instantSql(
  text: string,
  zone: ZoneClock,
  format: EpochUnit | 'auto' | 'iso',
  utc = utcMicros(text),
): string {
  const branches: string[] = [];
  if (format !== 'iso')
    branches.push(`WHEN regexp_full_match(${text}, ${EPOCH_FORM}) THEN ${epochSql(text, format)}`);
  if (format === 'auto' || format === 'iso') {
    branches.unshift(
      `WHEN ${utc} IS NOT NULL THEN ${utc}`,
      `WHEN ${isPlainLocal(text)} THEN ${microsOfWall(timestamp(text), zone)}`,
    );
    branches.push(
      `WHEN regexp_full_match(${text}, ${OFFSET_FORM}) THEN ${offsetMicros(text)}`,
      `WHEN regexp_full_match(${text}, ${LOCAL_FORM}) THEN ${microsOfWall(timestamp(text), zone)}`,
    );
  }
  return `CASE ${branches.join(' ')} END`;
}

/** Wall clock in `zone` of a text: without an offset as it is written, otherwise converted. NULL if it cannot be read. */
export function wallSql(text: string, zone: ZoneClock, utc = utcMicros(text)): string {
  return (
    `CASE WHEN ${utc} IS NOT NULL THEN ${wallOfMicros(utc, zone)} ` +
    `WHEN ${isPlainLocal(text)} THEN ${timestamp(text)} ` +
    `WHEN regexp_full_match(${text}, ${LOCAL_FORM}) THEN ${timestamp(text)} ` +
    `WHEN regexp_full_match(${text}, ${OFFSET_FORM}) THEN ${wallOfMicros(offsetMicros(text), zone)} ` +
    `WHEN regexp_full_match(${text}, ${EPOCH_FORM}) THEN ${wallOfMicros(epochSql(text, 'auto'), zone)} END`
  );
}

/** Wall clock in `to` of a text that is a wall clock in `from`; NULL for texts with an offset and all others. */
export function movedWallSql(text: string, from: ZoneClock, to: ZoneClock): string {
  const micros = microsOfWall(timestamp(text), from);
  return `CASE WHEN regexp_full_match(${text}, ${LOCAL_FORM}) THEN ${wallOfMicros(micros, to)} END`;
}

/** Day of a text: a bare date as it is, anything else the day of its wall clock in `zone`. */
export function dateSql(text: string, zone: ZoneClock): string {
  return `CASE WHEN regexp_full_match(${text}, ${lit(DAY)}) THEN try_cast(${text} AS DATE) ELSE try_cast(${wallSql(text, zone)} AS DATE) END`;
}

/**
 * Instant of an epoch number's text, to the microsecond and never through a float. `auto` takes the unit from the magnitude:
 * below 10^11 seconds (until the year 5138), below 10^14 milliseconds, below 10^17 microseconds, else nanoseconds.
 */
function epochSql(text: string, unit: EpochUnit | 'auto'): string {
  const n = `try_cast(${text} AS BIGINT)`;
  const within = (digits: number) => `${n} BETWEEN -${'9'.repeat(digits)} AND ${'9'.repeat(digits)}`;
  const whole = {
    s: `CASE WHEN ${within(12)} THEN ${n} * 1000000 END`,
    ms: `CASE WHEN ${within(15)} THEN ${n} * 1000 END`,
    us: n,
    ns: `${n} // 1000`,
  };
  const scaled = (digits: number, factor: string) =>
    `try_cast(round(try_cast(${text} AS DECIMAL(18,${digits}))::DECIMAL(38,${digits}) * ${factor}) AS BIGINT)`;
  const part = {
    s: scaled(6, '1000000'),
    ms: scaled(3, '1000'),
    us: scaled(0, '1'),
    ns: `try_cast(round(try_cast(${text} AS DECIMAL(38,0))) AS BIGINT) // 1000`,
  };
  const integers = lit('-?[0-9]{1,19}');
  if (unit !== 'auto') {
    return `CASE WHEN regexp_full_match(${text}, ${integers}) THEN ${whole[unit]} ELSE ${part[unit]} END`;
  }
  const rough = `abs(try_cast(${text} AS DOUBLE))`;
  return (
    `CASE WHEN regexp_full_match(${text}, ${integers}) THEN CASE WHEN ${within(11)} THEN ${whole.s} ` +
    `WHEN ${within(14)} THEN ${whole.ms} WHEN ${within(17)} THEN ${whole.us} ELSE ${whole.ns} END ` +
    `WHEN ${rough} < 1e11 THEN ${part.s} WHEN ${rough} < 1e14 THEN ${part.ms} WHEN ${rough} < 1e17 THEN ${part.us} ELSE ${part.ns} END`
  );
}

const YEAR_ONE_US = '62135596800000000';

/**
 * The partition of a wall clock as one integer, hours (or days) since the year 1: PARTITION_BY on it costs far less than on texts.
 * NULL outside the years 1 to 9999, which have no `dt`.
 */
export function partitionKeySql(wall: string, level: 'day' | 'hour'): string {
  const micros = level === 'hour' ? '3600000000' : '86400000000';
  const key = `((epoch_us(${wall}) + ${YEAR_ONE_US}) // ${micros})`;
  const end = level === 'hour' ? 3652059 * 24 : 3652059;
  return `CASE WHEN epoch_us(${wall}) + ${YEAR_ONE_US} >= 0 AND ${key} < ${end} THEN ${key}::INTEGER END`;
}

/** Values of the partition columns for a key of `partitionKeySql`. */
export function partitionValues(key: number, level: 'day' | 'hour'): Record<string, string> {
  const hours = level === 'hour' ? key : key * 24;
  const text = new Date(-62135596800000 + hours * 3600000).toISOString();
  return level === 'hour' ? { dt: text.slice(0, 10), hh: text.slice(11, 13) } : { dt: text.slice(0, 10) };
}
