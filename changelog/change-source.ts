import type { FormatName } from '../config/spec.js';
import { canalJson } from './formats/canal-json.js';
import type { Duck } from '../warehouse/duckdb.js';
import { debezium } from './formats/debezium.js';
import type { Reading } from './fast-or-careful.js';
import type { MemberContext, MemberNames } from './formats/debezium-values.js';
import { maxwell } from './formats/maxwell.js';
import type { FindRepeated } from './repeated-text.js';

/**
 * A textual change log as SQL. `select` gives one row a change, or one row for a record that is none:
 *
 * p, o, kts: Kafka partition, offset, timestamp; kind: `change`, `ddl`, `watermark`, `none` (means nothing) or `bad`;
 * reason: why it is bad, or why a change cannot land (partial_row); idx: number of the row in its record;
 * db, tbl, op (i, u, d), cdc_ts, cdc_seq, event_us; row, before: JSON objects of column texts; keys: JSON array of key
 * columns or NULL; shape: JSON object whose members are the row's columns, from few distinct texts, or NULL; types: JSON
 * object of source types or NULL; sql: a DDL's statement, its kind in op; mark: a watermark; raw: the record's value or NULL; patch: what a partial update
 * does to a stored document, or NULL; fields: the row's Connect fields, a JSON array, or NULL.
 */
export interface ChangeSource {
  select: (lines: string, options: ChangeSelectOptions) => string;
  values: ValueNotation;
  /** `types` can be filled. */
  tellsTypes?: boolean;
  /** `fields` is filled. */
  hasFields?: boolean;
  /** What begins the records at the head of a split, for `select` to cut off instead of parsing it in each of them. */
  heads?: (duck: Duck, lines: string) => Promise<RecordHead[]>;
  /**
   * Reads most records of one table by a single parse, for formats whose records tell their columns by a text that is the same in
   * all of them. One row a record: p, o, kts, idx, op, tbl, cdc_ts, cdc_seq, event_us, before, types, raw as `select` gives them, `reason` and `patch`
   * NULL, `j` the row's members by `structure`, and `plain`: false for a record that `select` must read.
   */
  direct?: (lines: string, options: DirectOptions) => string;
  /** What `direct` can do without in a record's text. */
  repeated?: FindRepeated;
}

/** A text that many records begin with, up to the `{` of what is their own, and the `fields` that it tells. */
export interface RecordHead {
  text: string;
  fields: string;
}

export interface DirectOptions {
  /** Members of the row with their types as `from_json` takes them. */
  structure: Record<string, string>;
  /** SQL boolean over db and tbl: the record is the table's. */
  matches: string;
  /** Texts that `select` gives as `shape` and `types` for every plain record. */
  shape: string;
  types: string | undefined;
  /** One of those records. */
  record: string;
  /** What `repeated` found, and was cut out of the lines: a column `text` has the index, or -1. Without any there is no such column. */
  texts: string[];
  raw: boolean;
}

/** How a log writes the values of columns that are not plain text. */
export interface ValueNotation {
  /** SQL of a binary column's bytes, from the column's text and its source type (SQL, in lower case, NULL if unknown). */
  binary: (text: string, sourceType: string, options: MemberContext['options']) => string;
  /** SQL of a text column's text, where the source type is known and the log writes something else. NULL if it does not fit. */
  text?: (text: string, sourceType: string) => string;
  /** Numbers of rows and old images are marked where DuckDB would round them: see exactNumbers. */
  exact?: boolean;
  /** SQL of the text of a member of the row from its JSON, where the log's notation is its own. */
  member?: (member: MemberNames, context: MemberContext) => string;
  /** Makes functions that the SQL calls. */
  prepare?: (duck: Duck) => void;
}

export interface ChangeSelectOptions {
  reading: Reading;
  /** Fill `types`, which some tables need to read binary columns. */
  types: boolean;
  /** Fill `keys`: some table takes its key from the log. */
  keys: boolean;
  /** Fill `raw` with the record's value. */
  raw: boolean;
  heads?: RecordHead[];
}

/** Columns of `select`, in order. */
export const CHANGE_SOURCE_COLUMNS = [
  'p',
  'o',
  'kts',
  'kind',
  'reason',
  'idx',
  'db',
  'tbl',
  'op',
  'cdc_ts',
  'cdc_seq',
  'event_us',
  '"row"',
  'before',
  'keys',
  'shape',
  'types',
  'sql',
  'mark',
  'raw',
  'patch',
  'fields',
] as const;

const SOURCES: Partial<Record<FormatName, ChangeSource>> = { 'canal-json': canalJson, debezium, maxwell };

/** The textual change log of a format; undefined if the format is none. */
export function changeSource(format: FormatName): ChangeSource | undefined {
  return SOURCES[format];
}
