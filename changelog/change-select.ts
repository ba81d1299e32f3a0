import { ident, lit } from '../warehouse/duckdb.js';
import { BAD_KEY } from './append-select.js';
import type { ValueNotation } from './change-source.js';
import { movedTime, type ChangeZones } from './change-zones.js';
import { NOT_PLAIN } from './document-sql.js';
import { alwaysFits, fitSql, isNested, writtenSql, type FitContext } from './fit.js';
import { parseHiveType, type HiveType } from '../config/hive-type.js';
import type { ConnectField } from './formats/debezium-values.js';
import { duckPath, parseJsonPath } from './json-path.js';
import { planJsonShape, type JsonShape } from './json-shape.js';
import { paddedBytes } from './formats/padded-bytes.js';
import { quotedNumbers, unmarkedJson, unmarkedText } from './formats/exact-numbers.js';
import { documentValue, plainDocument } from './formats/extended-json.js';
import { keyDiffers, lacksKey, splitKeyChanges } from './key-changes.js';
import { KEY_COLUMN } from './partitioned-copy.js';
import { instantSql, partitionKeySql } from './time-sql.js';
import type { LandingTable } from './types.js';
import { wallOfMicros } from './zone-clock.js';

interface ChangeColumn {
  name: string;
  type: HiveType;
  hiveType: string;
  /** Name in the log. */
  source: string;
  sourceType: string | undefined;
  /** Kept by `match.shardColumn`: the name of the source's table. */
  shard: boolean;
  /** A declared path into a MongoDB document. */
  inDocument: boolean;
}

export interface ChangeSelectInit {
  table: LandingTable;
  batch: string;
  values: ValueNotation;
  /** Names in the log of the table's columns, in order. */
  sourceNames: string[];
  /** The rows' Connect fields; undefined where the log has no schema. */
  fields: ConnectField[] | undefined;
  /** Types of ENUM and SET columns by their names in the log, where the rows tell their members. */
  members: Record<string, string>;
  /** Names in the log of the key columns. */
  key: string[];
  /** Those of them without which a change does not land. */
  needed: string[];
  zones: ChangeZones;
  /** Deals with updates that change the key; the fast variant stops at the first one. */
  careful: boolean;
  /** The changes come with their members read (`j`, by `structure`), and with `plain`: false for what must be read in another way. */
  direct?: boolean;
}

/** The SQL of one table over its canonical changes. */
export class ChangeSelect {
  private readonly columns: ChangeColumn[];
  private readonly context: FitContext;
  private readonly document: JsonShape;
  private readonly documents: boolean;

  constructor(private readonly init: ChangeSelectInit) {
    const { spec, columns } = init.table;
    this.context = { zone: init.zones.table, timestamps: spec.timestamps };
    this.columns = columns.map(({ name, type, path, sourceType }, i) => ({
      name,
      type: parseHiveType(type),
      hiveType: type,
      source: init.sourceNames[i]!,
      sourceType: type === 'string' ? (init.members[init.sourceNames[i]!] ?? sourceType) : sourceType,
      shard: spec.match?.shardColumn === name,
      inDocument: path.startsWith('$'),
    }));
    this.document = planJsonShape(
      this.columns.map(({ type, inDocument }, i) => ({
        steps: inDocument ? parseJsonPath(columns[i]!.path) : [],
        json: isNested(type),
      })),
    );
    this.documents = columns.some(({ path }) => path === 'doc');
  }

  /** Rows for the table's files, with `__key`; changes that must not land have `__key` = BAD_KEY. */
  rows(changes: string): string {
    const { spec } = this.init.table;
    const own = this.columns.map(({ name, type }, i) => `${writtenSql(type, `c${i}`)} AS ${ident(name)}`);
    const added = [
      'p::INTEGER AS kafka_partition',
      'o AS kafka_offset',
      `${lit(this.init.batch)} AS ingest_batch`,
      `${this.context.timestamps === 'string' ? 'wall::VARCHAR' : 'wall'} AS event_time`,
      'checked_op AS cdc_op',
      'cdc_ts',
      'cdc_seq',
      `${this.init.values.exact ? unmarkedJson('before') : 'before'} AS cdc_before`,
    ];
    if (this.documents) added.push('patch AS cdc_patch');
    if (spec.rawColumn !== undefined) added.push(`raw AS ${ident(spec.rawColumn)}`);
    const bad = [...this.columns.flatMap((column, i) => (this.strict(column) ? [this.misfit(i)] : []))];
    bad.push('reason IS NOT NULL', 'part IS NULL', ...lacksKey(this.init));
    if (this.init.direct) bad.push('NOT plain', keyDiffers(this.init.key, 'old_key', 'j'));
    return (
      `SELECT ${[...own, ...added].join(', ')}, CASE WHEN ${bad.join(' OR ')} THEN ${BAD_KEY} ELSE part END AS ${KEY_COLUMN} ` +
      `FROM (${this.typed(changes)})`
    );
  }

  /** Why changes do not land: p, o, reason, detail. */
  faults(changes: string): string {
    const when = [`WHEN reason IS NOT NULL THEN {'reason': reason, 'detail': NULL::VARCHAR}`];
    for (const condition of lacksKey(this.init)) {
      when.push(
        `WHEN ${condition} THEN {'reason': 'no_key', 'detail': 'row ' || idx || ' lacks a key column'}`,
      );
    }
    this.columns.forEach((column, i) => {
      if (!this.strict(column)) return;
      const value = `CASE WHEN length(t${i}::VARCHAR) > 100 THEN left(t${i}::VARCHAR, 100) || '…' ELSE t${i}::VARCHAR END`;
      when.push(
        `WHEN ${this.misfit(i)} THEN {'reason': 'value_does_not_fit', 'detail': ` +
          `'row ' || idx || ${lit(`, column ${column.name}: "`)} || ${value} || ${lit(`" does not fit ${column.hiveType}`)}}`,
      );
    });
    when.push(`WHEN part IS NULL THEN {'reason': 'bad_event_time', 'detail': 'row ' || idx}`);
    return (
      `SELECT p, o, fault.reason AS reason, fault.detail AS detail FROM (SELECT *, CASE ${when.join(' ')} END AS fault ` +
      `FROM (${this.typed(changes)})) WHERE fault IS NOT NULL`
    );
  }

  /** One row: for each column `m0`, `m1` ... the last change with a value that does not fit, or NULL. */
  misfits(changes: string): string {
    const last = this.columns.map((column, i) =>
      this.strict(column)
        ? `max_by({'p': p, 'o': o, 'db': db, 'tbl': tbl}, (p, o)) FILTER (${this.misfit(i)}) AS m${i}`
        : `NULL AS m${i}`,
    );
    return `SELECT ${last.join(', ')} FROM (${this.typed(changes)})`;
  }

  private strict(column: ChangeColumn): boolean {
    const { type, sourceType } = column;
    return !column.shard && (type.kind === 'binary' || sourceType !== undefined || !alwaysFits(type));
  }

  private misfit(i: number): string {
    return `(t${i} IS NOT NULL AND c${i} IS NULL)`;
  }

  private get memberType(): string {
    return this.init.values.member ? 'JSON' : 'VARCHAR';
  }

  /** Members of the row that the table reads, with their types as `from_json` takes them. */
  structure(): Record<string, string> {
    const members = new Set([
      ...this.columns.filter((c) => !c.shard && !c.inDocument).map((c) => c.source),
      ...this.init.key,
    ]);
    return Object.fromEntries(
      [...members].map((name) => {
        const column = this.columns.find((c) => c.source === name);
        return [name, column && isNested(column.type) ? 'JSON' : this.memberType];
      }),
    );
  }

  private typed(changes: string): string {
    const { table, zones, direct } = this.init;
    const { eventTime, partition } = table.spec;
    const structure = this.structure();
    const timePath = eventTime.kafka ? undefined : eventTime.path;
    const texts = this.columns.map((column, i) => `${this.text(column, i)} AS t${i}`);
    const timeText = `json_extract_string("row", ${lit(timePath ?? '')})`;
    const time = timePath === undefined ? 'NULL' : this.init.values.exact ? unmarkedText(timeText) : timeText;
    const instant = eventTime.kafka
      ? 'CASE WHEN kts >= 0 THEN kts * 1000 END'
      : timePath === undefined
        ? 'event_us'
        : instantSql('timetext', zones.eventTime, eventTime.format);
    const noMembers = Object.keys(structure).length === 0;
    const parsed = noMembers ? 'NULL AS j' : `from_json("row", ${lit(JSON.stringify(structure))}) AS j`;
    const levels = [
      ...(direct ? [] : [parsed]),
      ...this.memberLevels(),
      ...this.documentLevels(),
      [...texts, `${time} AS timetext`, `${this.oldKey()} AS old_key`].join(', '),
      [
        ...this.columns.map((column, i) => `${this.value(column, i)} AS c${i}`),
        `${instant} AS instant`,
        `${this.checkedOp()} AS checked_op`,
      ].join(', '),
      `${wallOfMicros('instant', zones.table)} AS wall`,
      `${partitionKeySql('wall', partition)} AS part`,
    ];
    const { key, careful } = this.init;
    const keyed = careful && key.length > 0 ? splitKeyChanges(changes, key) : `SELECT * FROM ${changes}`;
    return levels.reduce((from, level) => `SELECT *, ${level} FROM (${from})`, keyed);
  }

  /** Members that are still JSON, each told once whether it is a string and what its text is. */
  private memberLevels(): string[] {
    if (!this.init.values.member) return [];
    const own = this.columns.flatMap((column, i) =>
      column.shard || column.inDocument || isNested(column.type) ? [] : [{ column, i }],
    );
    if (own.length === 0) return [];
    const { exact } = this.init.values;
    const logged = own.map(
      ({ column, i }) => `struct_extract(j, ${lit(column.source)})::VARCHAR AS ${exact ? 'l' : 'r'}${i}`,
    );
    return [
      logged.join(', '),
      ...(exact ? [own.map(({ i }) => `${unmarkedJson(`l${i}`)} AS r${i}`).join(', ')] : []),
      own.map(({ i }) => `starts_with(r${i}, '"') AS q${i}`).join(', '),
      own
        .map(({ i }) => `CASE WHEN q${i} THEN json_extract_string(r${i}, '$') ELSE r${i} END AS m${i}`)
        .join(', '),
    ];
  }

  /** The document as plain JSON, where declared paths look into it. */
  private documentLevels(): string[] {
    if (!this.columns.some((column) => column.inDocument)) return [];
    const document = plainDocument(`json_extract_string("row", '$.doc')`);
    return [`${document} AS document`, `${this.document.parse('document') ?? 'NULL'} AS document_parsed`];
  }

  private text(column: ChangeColumn, i: number): string {
    if (column.shard) return 'tbl';
    if (column.inDocument) {
      const found = this.document.read(i, 'document_parsed', 'document');
      return isNested(column.type) ? found : documentValue(found, column.type);
    }
    const member = this.member(column, i);
    if (column.type.kind !== 'date' && column.type.kind !== 'timestamp') return member;
    // MySQL's zero dates are no dates in Hive. Few texts have a zero where such dates have one, and the others are spared the expression.
    const zero = `starts_with(${member}, '0000-') OR regexp_matches(${member}, '^[0-9]{4}-(00-|[0-9]{2}-00)')`;
    const suspect = `contains(${member}, '-00') OR starts_with(${member}, '0000-')`;
    return `CASE WHEN ${suspect} THEN CASE WHEN ${zero} THEN NULL ELSE ${member} END ELSE ${member} END`;
  }

  private member(column: ChangeColumn, i: number): string {
    const { values, fields, table } = this.init;
    if (!values.member || isNested(column.type)) {
      const logged = `struct_extract(j, ${lit(column.source)})`;
      if (!values.exact) return logged;
      return isNested(column.type) ? `${quotedNumbers(`${logged}::VARCHAR`)}::JSON` : unmarkedText(logged);
    }
    return values.member(
      { json: `r${i}`, text: `m${i}`, quoted: `q${i}` },
      {
        type: column.type,
        sourceType: column.sourceType,
        field: fields?.find(({ field }) => field === column.source),
        options: table.spec.formatOptions,
      },
    );
  }

  private value(column: ChangeColumn, i: number): string {
    const { values } = this.init;
    const { type, sourceType } = column;
    if (column.shard) return 'tbl';
    if (type.kind === 'binary') {
      const known = this.knownType(column);
      return paddedBytes(values.binary(`t${i}`, known, this.init.table.spec.formatOptions), known);
    }
    const text = sourceType !== undefined && values.text ? values.text(`t${i}`, sourceType) : `t${i}`;
    const fitting = fitSql(type, text, this.context);
    if (type.kind !== 'timestamp') return fitting;
    const [{ zones }, { timestamps }, knownType] = [this.init, this.context, this.knownType(column)];
    return movedTime(text, fitting, { zones, knownType, timestamps });
  }

  /** Source type of a column as the log or else the table knows it, as SQL, in lower case. */
  private knownType({ source, sourceType }: ChangeColumn): string {
    const logged = `lower(json_extract_string(types, ${duckPath([source])}))`;
    return sourceType === undefined ? logged : `coalesce(${logged}, ${lit(sourceType.toLowerCase())})`;
  }

  /** Old key of an update, for the fast variant's look at it. */
  private oldKey(): string {
    const { key, careful } = this.init;
    if (key.length === 0 || careful) return 'NULL';
    const structure = lit(JSON.stringify(Object.fromEntries(key.map((name) => [name, this.memberType]))));
    // Most updates touch no key, and a log with only what changed says so by leaving its columns out.
    const named = [...key.map((name) => JSON.stringify(name)), '\\'].map(
      (text) => `contains(before, ${lit(text)})`,
    );
    return `from_json(CASE WHEN op = 'u' AND (${named.join(' OR ')}) THEN before END, ${structure})`;
  }

  private checkedOp(): string {
    const { key, careful, direct } = this.init;
    if (key.length === 0 || careful || direct) return 'op';
    return `CASE WHEN ${keyDiffers(this.init.key, 'old_key', 'j')} THEN error(${lit(NOT_PLAIN)}) ELSE op END`;
  }
}
