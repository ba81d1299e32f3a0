import { keyOrder, rangePredicate, type KeyPoint, type KeyRange } from './keyset.js';
import type { MysqlSession } from './mysql-session.js';
import { chunkKey, mysqlTable } from './mysql-sql.js';
import type { SourceTable } from './mysql-table.js';

/** A piece of a table that is read in one go. */
export interface Chunk extends KeyRange {
  index: number;
}

/**
 * Cuts a table into chunks of at most `chunkRows` rows, in the server's own order of its key, whatever its collation.
 * Every query reads one chunk's keys and no more. With a TSO in the session the cut is a function of the table: planning
 * may be repeated, or go on after the chunks that are known already.
 */
export async function* planChunks(
  session: MysqlSession,
  table: SourceTable,
  chunkRows: number,
  known?: Chunk,
): AsyncGenerator<Chunk> {
  if (known?.upTo === null) return;
  const key = chunkKey(table);
  let index = known === undefined ? 0 : known.index + 1;
  let after: KeyPoint | null = known?.upTo ?? null;
  if (key.length === 0) {
    yield { index, after: null, upTo: null };
    return;
  }
  const select = `SELECT ${key.map((column) => column.read).join(', ')} FROM ${mysqlTable(table)}`;
  for (;;) {
    const where = rangePredicate(key, { after, upTo: null });
    const [row] = await session.rows(
      `${select} WHERE ${where} ORDER BY ${keyOrder(key)} LIMIT 1 OFFSET ${chunkRows - 1}`,
      `cutting ${table.database}.${table.table} into chunks`,
    );
    const upTo: KeyPoint | null = row === undefined ? null : (row as KeyPoint);
    yield { index, after, upTo };
    if (upTo === null) return;
    after = upTo;
    index += 1;
  }
}
