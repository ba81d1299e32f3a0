import { lit, ident } from '../warehouse/duckdb.js';
import { appendSource, type PathRequest } from './append-source.js';
import { alwaysFits, fitSql, isNested, writtenSql, type FitContext } from './fit.js';
import { parseHiveType, type HiveType } from '../config/hive-type.js';
import { KEY_COLUMN } from './partitioned-copy.js';
import { instantSql, partitionKeySql, utcMicros } from './time-sql.js';
import type { LandingTable } from './types.js';
import { wallOfMicros, type ZoneClock } from './zone-clock.js';

/** Value of `__key` for a record that must not land. */
export const BAD_KEY = -1;

interface TypedColumn {
  name: string;
  type: HiveType;
  hiveType: string;
}

/** Zones of a table's partitions and of its event times without an offset. */
export interface TableZones {
  table: ZoneClock;
  eventTime: ZoneClock;
}

/** The SQL of one append table over spooled lines, in its fast or its careful variant. */
export class AppendSelect {
  private readonly columns: TypedColumn[];
  private readonly context: FitContext;
  private readonly timeIndex: number | undefined;
  private readonly source: ReturnType<typeof appendSource>;

  constructor(
    private readonly table: LandingTable,
    private readonly batch: string,
    private readonly zones: TableZones,
    careful: boolean,
  ) {
    const { spec } = table;
    this.context = { zone: zones.table, timestamps: spec.timestamps };
    this.columns = table.columns.map(({ name, type }) => ({
      name,
      type: parseHiveType(type),
      hiveType: type,
    }));
    const requests: PathRequest[] = table.columns.map(({ path }, i) => ({
      path,
      json: isNested(this.columns[i]!.type),
    }));
    const timePath = spec.eventTime.kafka ? undefined : (spec.eventTime.path ?? defaultTimePath(table));
    if (timePath !== undefined) {
      const same = requests.findIndex(({ path, json }) => path === timePath && !json);
      this.timeIndex = same >= 0 ? same : requests.push({ path: timePath, json: false }) - 1;
    }
    this.source = appendSource(spec, requests, careful);
  }

  /** Rows for the table's files, with `__key`; records that must not land have `__key` = BAD_KEY. */
  rows(lines: string): string {
    const own = this.columns.map(({ name, type }, i) => `${writtenSql(type, `c${i}`)} AS ${ident(name)}`);
    const eventTime = this.context.timestamps === 'string' ? 'wall::VARCHAR' : 'wall';
    const raw = this.table.spec.rawColumn;
    return (
      `SELECT ${[...own, 'p::INTEGER AS kafka_partition', 'o AS kafka_offset', `${lit(this.batch)} AS ingest_batch`, `${eventTime} AS event_time`].join(', ')}` +
      `${raw === undefined ? '' : `, value AS ${ident(raw)}`}, ` +
      `CASE WHEN ${this.misfits().concat(this.source.unreadable, 'part IS NULL').join(' OR ')} THEN ${BAD_KEY} ELSE part END AS ${KEY_COLUMN} ` +
      `FROM (${this.typed(lines)})`
    );
  }

  /** Why each record that must not land does not: p, o, ts, reason, detail, key, value. Records that land are left out. */
  faults(lines: string): string {
    const when = [
      `WHEN ${this.source.unreadable} THEN {'reason': ${this.source.unreadableReason}, 'detail': NULL}`,
    ];
    this.columns.forEach(({ name, hiveType }, i) => {
      if (alwaysFits(this.columns[i]!.type)) return;
      when.push(
        `WHEN ${this.misfit(i)} THEN {'reason': 'value_does_not_fit', 'detail': ${lit(`column ${name}: `)} || ${excerpt(`t${i}`)} || ${lit(` does not fit ${hiveType}`)}}`,
      );
    });
    when.push(
      `WHEN part IS NULL AND timetext IS NULL THEN {'reason': 'missing_event_time', 'detail': ${lit(`no value at ${this.timeName()}`)}}`,
      `WHEN part IS NULL THEN {'reason': 'bad_event_time', 'detail': ${excerpt('timetext')} || ${lit(` at ${this.timeName()} is not a time`)}}`,
    );
    return `SELECT p, o, ts, fault.reason AS reason, fault.detail AS detail, key, value FROM (SELECT *, CASE ${when.join(' ')} END AS fault FROM (${this.typed(lines)})) WHERE fault IS NOT NULL`;
  }

  private timeName(): string {
    const { eventTime } = this.table.spec;
    return this.timeIndex === undefined
      ? 'the Kafka timestamp'
      : (eventTime.path ?? defaultTimePath(this.table)!);
  }

  private misfit(i: number): string {
    return `(t${i} IS NOT NULL AND c${i} IS NULL)`;
  }

  private misfits(): string[] {
    return this.columns.flatMap(({ type }, i) => (alwaysFits(type) ? [] : [this.misfit(i)]));
  }

  /** Text of a column; with every digit where a double might have lost one that the column keeps. */
  private text(type: HiveType, i: number): string {
    const text = this.source.read(i);
    if (!this.source.exact || !keepsMoreThanDouble(type)) return text;
    if (type.kind !== 'decimal') return this.source.exact(i);
    // A double keeps 15 digits, so it has lost one only if 16 and more fit: those of the scale and 16 - scale before the point.
    const digits = Math.max(0, 16 - type.scale);
    return `CASE WHEN regexp_matches(${text}, '^-?[0-9]{${digits},}[0-9]*([.]|[eE])') THEN ${this.source.exact(i)} ELSE ${text} END`;
  }

  /** Levels: parsed document, texts t0.., typed values c0.., event time and partition. */
  private typed(lines: string): string {
    const { eventTime, partition } = this.table.spec;
    const texts = this.columns.map(({ type }, i) => `${this.text(type, i)} AS t${i}`);
    texts.push(
      this.timeIndex === undefined
        ? 'CASE WHEN ts >= 0 THEN ts END AS timetext'
        : `${this.source.read(this.timeIndex)} AS timetext`,
    );
    const utc = [`${this.timeIndex === undefined ? 'NULL' : utcMicros('timetext')} AS utc`];
    this.columns.forEach(({ type }, i) => {
      if (type.kind === 'timestamp' && i !== this.timeIndex) utc.push(`${utcMicros(`t${i}`)} AS u${i}`);
    });
    const values = this.columns.map(
      ({ type }, i) =>
        `${fitSql(type, `t${i}`, this.context, i === this.timeIndex ? 'utc' : `u${i}`)} AS c${i}`,
    );
    const instant =
      this.timeIndex === undefined
        ? 'CASE WHEN ts >= 0 THEN ts * 1000 END'
        : instantSql('timetext', this.zones.eventTime, eventTime.format, 'utc');
    values.push(`${instant} AS instant`);
    const levels = [
      ...this.source.levels,
      texts.join(', '),
      utc.join(', '),
      values.join(', '),
      `${wallOfMicros('instant', this.zones.table)} AS wall`,
      `${partitionKeySql('wall', partition)} AS part`,
    ];
    return levels.reduce((from, level) => `SELECT *, ${level} FROM (${from})`, `SELECT * FROM ${lines}`);
  }
}

/** Filebeat stamps its events; other formats have no time of their own. */
function defaultTimePath(table: LandingTable): string | undefined {
  const { format, formatOptions } = table.spec;
  return format === 'filebeat' && formatOptions['codec'] !== 'raw' ? '$."@envelope"."@timestamp"' : undefined;
}

/** True for decimals of more than 15 digits, and for what holds one. */
function keepsMoreThanDouble(type: HiveType): boolean {
  switch (type.kind) {
    case 'decimal':
      return type.precision > 15;
    case 'array':
      return keepsMoreThanDouble(type.element);
    case 'map':
      return keepsMoreThanDouble(type.value);
    case 'struct':
      return type.fields.some((field) => keepsMoreThanDouble(field.type));
    default:
      return false;
  }
}

/** A value for a person's eyes, cut after 100 characters. */
function excerpt(text: string): string {
  const words = `${text}::VARCHAR`;
  return `'"' || CASE WHEN length(${words}) > 100 THEN left(${words}, 100) || '…' ELSE ${words} END || '"'`;
}
