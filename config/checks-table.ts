import type { Checked, Report } from './checks.js';
import {
  FORMAT_OPTIONS,
  CHANGE_FORMATS,
  formatTraits,
  RECORD_FORMATS,
  type FormatTraits,
} from './formats.js';
import { isPattern } from './pattern.js';
import type { TableConfig } from './schema.js';
import { isDocuments, sourceTableOf } from './table-source.js';
import type { Path } from './source.js';
import { suggest } from './suggest.js';

/** Checks that the mode, format, time, matching, bootstrap and snapshots of one table go together. */
export function checkTable(table: TableConfig, path: Path, checked: Checked, report: Report): void {
  const traits = formatTraits(table.from.format);
  if (!traits) return;
  checkCluster(table, path, checked, report);
  checkFormat(table, traits, path, checked, report);
  if (table.mode === 'append') checkAppend(table, traits, path, report);
  else checkMirror(table, traits, path, report);
  if (table.time) checkTime(table.time, path, report);
}

function checkCluster(table: TableConfig, path: Path, { kafka }: Checked, report: Report): void {
  const names = Object.keys(kafka);
  const { kafka: wanted } = table.from;
  if (wanted === undefined) {
    if (names.length < 2) return;
    const message = `"kafka" is missing: which cluster has the topic, one of ${names.join(', ')}`;
    report({ path: [...path, 'from', 'kafka'], at: 'key', message });
  } else if (!names.includes(wanted)) {
    const message = `there is no Kafka cluster "${wanted}"; known: ${names.join(', ')}`;
    report({ path: [...path, 'from', 'kafka'], message, suggestion: suggest(wanted, names) });
  }
}

function checkFormat(
  table: TableConfig,
  traits: FormatTraits,
  path: Path,
  { kafka }: Checked,
  report: Report,
): void {
  const { from, mode } = table;
  if (mode === 'append' && traits.change) {
    report({
      path: [...path, 'from', 'format'],
      message: `${from.format} is a change log, which needs \`mode: mirror\` (with \`snapshot: false\` to keep the changelog only); append tables read ${RECORD_FORMATS.join(', ')}`,
    });
  }
  if (mode === 'mirror' && !traits.change) {
    report({
      path: [...path, 'from', 'format'],
      message: `a mirror needs a change log, and ${from.format} has no inserts, updates and deletes; use one of ${CHANGE_FORMATS.join(', ')}, or \`mode: append\``,
    });
  }
  for (const option of FORMAT_OPTIONS) {
    if (from[option] === undefined || traits.options.includes(option)) continue;
    const hint = option === 'zone' && !traits.change ? '; the zone of an event time is `time.zone`' : '';
    const message = `"${option}" does not apply to ${from.format}${hint}`;
    report({ path: [...path, 'from', option], at: 'key', message });
  }
  const cluster = from.kafka === undefined ? Object.values(kafka)[0] : kafka[from.kafka];
  if (from.format === 'debezium-avro' && from.registry === undefined && !cluster?.registry) {
    const message = 'debezium-avro needs a schema registry: `registry` here, or under the Kafka cluster';
    report({ path: [...path, 'from', 'registry'], at: 'key', message });
  }
}

function checkAppend(table: TableConfig, traits: FormatTraits, path: Path, report: Report): void {
  const foreign = {
    snapshot: table.snapshot !== undefined,
    bootstrap: table.bootstrap !== undefined,
    key: table.key !== undefined,
    rename: Object.keys(table.rename).length > 0,
  };
  for (const [name, present] of Object.entries(foreign)) {
    if (!present) continue;
    const hint = name === 'rename' ? '; a column takes any name, with its `path`' : '';
    report({ path: [...path, name], at: 'key', message: `an append table has no \`${name}\`${hint}` });
  }
  if (table.from.match && !traits.change) {
    const message = 'an append table takes every record of its topic; `match` is for change logs';
    report({ path: [...path, 'from', 'match'], at: 'key', message });
  }
  if (!table.time && table.from.format === 'json') {
    report({
      path: [...path, 'time'],
      at: 'key',
      message:
        '"time" is missing: where the event time is, as in `time: { path: $.ts }`, or `time: { from: kafka }`',
    });
  }
  if (table.columns.length === 0 && table.raw === false && !traits.change) {
    const message = 'there is nothing to keep: declare `columns`, or `raw: true` for the record as it came';
    report({ path: [...path, 'columns'], at: 'key', message });
  }
}

function checkTime(time: NonNullable<TableConfig['time']>, path: Path, report: Report): void {
  if (time.path !== undefined && time.from !== undefined) {
    const message = '`path` and `from: kafka` exclude each other';
    report({ path: [...path, 'time', 'from'], at: 'key', message });
  }
  if (time.path === undefined && time.from === undefined) {
    const message = '"path" is missing: the JSON path of the event time (or `from: kafka`)';
    report({ path: [...path, 'time', 'path'], at: 'key', message });
  }
}

function checkMirror(table: TableConfig, traits: FormatTraits, path: Path, report: Report): void {
  if (table.time?.path !== undefined) {
    const message = "a mirror's event time is that of its changes; `time.path` would break its snapshots";
    report({ path: [...path, 'time', 'path'], at: 'key', message });
  }
  if (table.snapshot === undefined) {
    const message =
      '"snapshot" is missing: a mirror needs `snapshot: { every: day }`, or `snapshot: false` to keep its changelog only';
    report({ path: [...path, 'snapshot'], at: 'key', message });
  }
  checkMatch(table, traits, path, report);
  checkBootstrap(table, traits, path, report);
  if (table.snapshot !== false) checkOrder(table, path, report);
}

function checkMatch(table: TableConfig, traits: FormatTraits, path: Path, report: Report): void {
  const match = table.from.match ?? {};
  const at = [...path, 'from', 'match'];
  if (match.table !== undefined && match.collection !== undefined) {
    report({
      path: [...at, 'collection'],
      at: 'key',
      message: '`table` and `collection` are the same; keep one',
    });
  }
  if (match.collection !== undefined && traits.documents === false) {
    const message = `${table.from.format} carries tables, not collections`;
    report({ path: [...at, 'collection'], at: 'key', message, suggestion: 'table' });
  }
  const name = match.table ?? match.collection;
  if (name === undefined && traits.sharesTopic && traits.change) {
    report({
      path: at,
      at: 'key',
      severity: 'warning',
      message: `without \`match\` every table in the topic "${table.from.topic}" lands in this one; if there is only one, say which: match: { database: ..., table: ... }`,
    });
  }
  if (match.shard_column !== undefined && !(name !== undefined && isPattern(name))) {
    const message = '`shard_column` is of use only where `table` is a pattern between slashes';
    report({ path: [...at, 'shard_column'], at: 'key', severity: 'warning', message });
  }
}

/** Logs that a database of either kind can write. */
const TIDB_FORMATS = ['drainer', 'canal-json', 'open-protocol', 'debezium', 'debezium-avro'];

function checkBootstrap(table: TableConfig, traits: FormatTraits, path: Path, report: Report): void {
  const { bootstrap, from } = table;
  if (!bootstrap) return;
  const at = [...path, 'bootstrap'];
  const fits = bootstrap.kind === 'mongodb' ? traits.documents !== false : TIDB_FORMATS.includes(from.format);
  if (traits.change && !fits) {
    const message = `a bootstrap from ${bootstrap.kind} does not go with ${from.format}, which another database writes`;
    report({ path: [...at, 'kind'], message });
  }
  if (table.mode === 'mirror' && table.snapshot === false) {
    report({
      path: at,
      at: 'key',
      message: 'a bootstrap is the base of snapshots; with `snapshot: false` it has no use',
    });
  }
  if (bootstrap.kind === 'mongodb' && bootstrap.table !== undefined && bootstrap.collection !== undefined) {
    report({ path: [...at, 'table'], at: 'key', message: '`table` and `collection` are the same; keep one' });
  }
  if (sourceTableOf(table) === undefined) {
    const option = bootstrap.kind === 'mongodb' ? 'collection' : 'table';
    const message = `"${option}" is missing: what to read, as in shop.orders (\`from.match\` does not name one database and table)`;
    report({ path: [...at, option], at: 'key', message });
  }
}

/** A mirror whose log cannot order the changes of a key exactly still works, but its owner must know. */
function checkOrder(table: TableConfig, path: Path, report: Report): void {
  const { format } = table.from;
  let message: string | undefined;
  if (format === 'canal-json' && table.bootstrap?.kind !== 'tidb') {
    message =
      "canal-json orders changes exactly only from TiCDC with `enable-tidb-extension=true`; from Canal, changes of one key go by `es` and the Kafka offset, so keep each key in one Kafka partition and don't rewind the producer";
  } else if (format === 'maxwell') {
    message =
      'maxwell orders changes exactly only with `output_binlog_position=true` and `output_xoffset=true`; without them changes of one key go by the Kafka offset';
  } else if (format.startsWith('debezium') && isDocuments(table)) {
    message =
      "Debezium's MongoDB connector gives all changes of one transaction the same order; ties go by the Kafka offset";
  }
  if (message !== undefined) report({ path: [...path, 'from', 'format'], severity: 'warning', message });
}
