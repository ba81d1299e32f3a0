import type { Report } from './checks.js';
import { formatTraits } from './formats.js';
import { readJsonPath } from './schema-common.js';
import type { TableConfig } from './schema.js';
import { CHANGE_COLUMNS, RECORD_COLUMNS } from './spec.js';
import type { Path } from './source.js';
import { suggest } from './suggest.js';
import { columnPath, isDocuments, isRelationalMirror } from './table-source.js';

/** Checks the names, paths and key of one table's columns. */
export function checkColumns(table: TableConfig, path: Path, report: Report): void {
  const taken = reservedNames(table);
  table.columns.forEach((column, index) => {
    const at = [...path, 'columns', index];
    claim(taken, column.name, 'a column of this table', [...at, 'name'], report, columnPath(table, column));
    checkPath(table, column, [...at, 'path'], report);
  });
  if (table.raw !== false) {
    const name = table.raw === true ? 'raw' : table.raw;
    claim(taken, name, 'the raw column', [...path, 'raw'], report);
  }
  const shard = table.from.match?.shard_column;
  if (shard !== undefined) {
    claim(taken, shard, 'the shard column', [...path, 'from', 'match', 'shard_column'], report);
  }
  checkRename(table, taken, path, report);
  checkKey(table, path, report);
}

/** Hive column -> whose it is. */
function reservedNames(table: TableConfig): Map<string, string> {
  const taken = new Map<string, string>();
  for (const { name } of RECORD_COLUMNS) taken.set(name, 'a column that Tributary adds');
  if (table.mode === 'mirror') {
    for (const { name } of CHANGE_COLUMNS) taken.set(name, 'a column that Tributary adds');
    if (isDocuments(table)) {
      for (const name of ['doc_id', 'doc']) taken.set(name, 'a column that every mirror of MongoDB has');
    }
  }
  // `hh` is kept free even of daily tables, which may become hourly.
  const minutes =
    table.snapshot !== undefined && table.snapshot !== false && table.snapshot.every === 'minute';
  for (const name of minutes ? ['dt', 'hh', 'mi'] : ['dt', 'hh']) taken.set(name, 'a partition column');
  return taken;
}

function claim(
  taken: Map<string, string>,
  name: string,
  owner: string,
  path: Path,
  report: Report,
  source?: string,
): void {
  const other = taken.get(name);
  taken.set(name, other ?? owner);
  if (other === undefined) return;
  const twice = other === owner && source !== undefined;
  const advice = twice
    ? ''
    : source === undefined
      ? '; choose another name'
      : `; give it another name and keep where it comes from: { name: src_${name}, path: '${source}', ... }`;
  const message = twice
    ? `there are two columns "${name}"; Hive ignores case`
    : `"${name}" is already the name of ${other}${advice}`;
  report({ path, message });
}

function checkPath(
  table: TableConfig,
  column: TableConfig['columns'][number],
  path: Path,
  report: Report,
): void {
  if (column.path === undefined) {
    if (table.from.format !== 'text') return;
    const message = 'a line of text has no fields; the only path is `$`, the whole line';
    report({ path, at: 'key', message });
    return;
  }
  if (isRelationalMirror(table)) {
    if (!/^\$[.[]/.test(column.path)) return;
    const message =
      "the path of a relational mirror's column is the name of the source column, not a JSON path";
    const name = /^\$\.(\w+)$/.exec(column.path)?.[1];
    report({ path, message, ...(name === undefined ? {} : { suggestion: name }) });
    return;
  }
  const read = readJsonPath(column.path);
  if (typeof read !== 'string') report({ path, ...read });
  else if (table.from.format === 'text' && read !== '$') {
    report({ path, message: 'a line of text has no fields; the only path is `$`, the whole line' });
  }
}

function checkRename(table: TableConfig, taken: Map<string, string>, path: Path, report: Report): void {
  if (table.mode === 'append') return;
  for (const [source, name] of Object.entries(table.rename)) {
    const at = [...path, 'rename', source];
    if (table.columns.length > 0) {
      const message = `the columns are declared, so write { name: ${name}, path: '${source}', ... } there instead`;
      report({ path: at, at: 'key', message });
    } else {
      claim(taken, name, `the renamed column of another source column`, at, report);
    }
  }
}

function checkKey(table: TableConfig, path: Path, report: Report): void {
  if (table.mode === 'append') return;
  const at = [...path, 'key'];
  const traits = formatTraits(table.from.format);
  const { key } = table;
  if (key === undefined) {
    if (traits?.change && !traits.namesKey && !table.bootstrap && table.snapshot !== false) {
      const message = `"key" is missing: ${table.from.format} does not name the primary key, so list its columns: key: [id]`;
      report({ path: at, at: 'key', message });
    }
    return;
  }
  if (isDocuments(table)) {
    if (key.join() === 'doc_id') return;
    report({ path: at, message: 'the key of a MongoDB mirror is `doc_id`, always; leave `key` out' });
    return;
  }
  const columns = table.columns.map((column) => column.name);
  key.forEach((name, index) => {
    const here = [...at, index];
    if (key.indexOf(name) < index) report({ path: here, message: `"${name}" is in the key twice` });
    if (columns.length === 0 || columns.includes(name)) return;
    report({
      path: here,
      message: `the key column "${name}" is not among the declared columns`,
      suggestion: suggest(name, columns),
    });
  });
}
