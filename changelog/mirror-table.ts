import { TributaryError } from '../common/errors.js';
import type { SnapshotColumn, SnapshotTable } from '../warehouse/snapshot/types.js';
import { fitSql, isNested } from './fit.js';
import { documentValue, plainDocument } from './formats/extended-json.js';
import { hexBytes } from './formats/hex.js';
import { parseHiveType } from '../config/hive-type.js';
import { parseJsonPath } from './json-path.js';
import { planJsonShape } from './json-shape.js';
import type { LandingTable } from './types.js';

/**
 * A mirror as snapshots and bootstraps see it: its own columns, its key, and how a document's declared columns follow from
 * the document.
 * @param learntKey the key that the log or the source names, for a table whose config names none
 * @throws TributaryError SnapshotKeyUnknown
 */
export function mirrorTable(landing: LandingTable, learntKey: readonly string[] = []): SnapshotTable {
  const { spec, columns } = landing;
  const key = spec.key.length > 0 ? spec.key : [...learntKey];
  if (key.length === 0) {
    throw new TributaryError({
      code: 'SnapshotKeyUnknown',
      message:
        `Neither the config of ${spec.name} nor its log names a primary key, and without one there is no telling which rows ` +
        `are the same. Name it: key: [id], then: tributary start ${spec.name}`,
      attributes: { table: spec.name },
    });
  }
  const documents = isDocumentTable(landing);
  return {
    name: spec.name,
    kind: documents ? 'document' : 'relational',
    key,
    columns: documents ? documentColumns(landing) : columns.map((column) => relationalColumn(column)),
  };
}

/** A mirror of a MongoDB collection: it has whole documents, and partial updates beside them. */
export function isDocumentTable({ columns }: Pick<LandingTable, 'columns'>): boolean {
  return columns.some(({ path }) => path === 'doc');
}

/** Hive types whose values read the same in a column and in `cdc_before`, which is JSON in the log's own notation. */
const SAME_NOTATION = /^(tinyint|smallint|int|bigint|decimal|string|varchar|char|date)$/;
/** Source types whose values become other texts in Hive. */
const OTHER_TEXT = /^(enum|set|bit|time|year)\b/i;

function relationalColumn({ name, type, path, sourceType }: LandingTable['columns'][number]): SnapshotColumn {
  const same = SAME_NOTATION.test(parseHiveType(type).kind) && !OTHER_TEXT.test(sourceType ?? '');
  return { name, type, ...(path !== name && { before: path }), ...(!same && { ownNotation: true }) };
}

/** The same reading of declared paths as in the changelog, as one expression over the document's text. */
function documentColumns({ spec, columns }: LandingTable): SnapshotColumn[] {
  const shape = planJsonShape(
    columns.map(({ path, type }) => ({
      steps: path.startsWith('$') ? parseJsonPath(path) : [],
      json: isNested(parseHiveType(type)),
    })),
  );
  // The zone's library form needs no look into DuckDB; folded documents are few.
  const context = { zone: { name: spec.timezone }, timestamps: spec.timestamps };
  return columns.map(({ name, type, path }, i) => {
    if (!path.startsWith('$')) return { name, type };
    const hive = parseHiveType(type);
    const found = isNested(hive) ? 'f' : documentValue('f', hive);
    const value = hive.kind === 'binary' ? hexBytes('t') : fitSql(hive, 't', context);
    return {
      name,
      type,
      fromDocument: (doc) =>
        `(SELECT ${value} FROM (SELECT ${found} AS t FROM (SELECT ${shape.read(i, 'parsed', 'plain')} AS f ` +
        `FROM (SELECT plain, ${shape.parse('plain') ?? 'NULL'} AS parsed FROM (SELECT ${plainDocument(doc)} AS plain)))))`,
    };
  });
}
