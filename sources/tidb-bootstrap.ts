import type { LandingTable } from '../changelog/types.js';
import { isTributaryError } from '../common/errors.js';
import type { BootstrapSource, BootstrapStart, SourceAccess, SourceChunk } from './bootstrap-source.js';
import { sourceError } from './errors.js';
import { planChunks, type Chunk } from './mysql-chunks.js';
import { MysqlSession } from './mysql-session.js';
import { mysqlString } from './mysql-sql.js';
import { readSourceTable, splitTableName, type SourceTable } from './mysql-table.js';
import { planColumns, type MirrorColumn, type ValueOptions } from './mysql-values.js';
import { readChunk } from './read-chunk.js';
import { bootstrapCdcTs, checkGcLife, currentTso, readGcState, tsoToMs, type GcState } from './tidb.js';

/** A bootstrap may well take longer than this; whoever keeps versions for less should know before it is lost. */
const SHORT_GC_LIFE_MS = 3_600_000;

/** TiDB: everything as of one TSO. */
export function tidbBootstrap(access: SourceAccess): BootstrapSource {
  const open = (tso?: string): Promise<MysqlSession> =>
    MysqlSession.open({
      url: access.url,
      ...(tso !== undefined && { tso }),
      ...(access.signal && { signal: access.signal }),
    });
  return {
    begin: async (landing, order) => {
      const tso = await withSession(open(), currentTso);
      return withSession(open(tso), async (session) => {
        const tables = await sourceTables(session, access.spec);
        for (const table of tables) planColumns(table, mirrorColumns(landing, table), valueOptions(landing));
        const gc = await gcState(session);
        if (gc) checkGcLife(tso, gc, Date.now());
        return {
          cdcTs: bootstrapCdcTs(order, tso),
          instant: tso,
          startedMs: tsoToMs(tso),
          tables,
          sourceKey: commonKey(tables),
          warning: gc && gc.lifeMs < SHORT_GC_LIFE_MS ? shortGcLife(gc) : null,
        };
      });
    },
    async *cut(start, chunkRows, known) {
      const session = await open(start.instant!);
      try {
        const gc = await gcState(session);
        if (gc) checkGcLife(start.instant!, gc, Date.now());
        const tables = start.tables as SourceTable[];
        let index = known === undefined ? 0 : known.index + 1;
        for (let i = known?.table ?? 0; i < tables.length; i++) {
          const within = known?.table === i ? (known as Chunk) : undefined;
          for await (const chunk of planChunks(session, tables[i]!, chunkRows, within)) {
            yield { ...chunk, index: index++, table: i };
          }
        }
      } finally {
        session.close();
      }
    },
    read: (context, start, chunk) =>
      withSession(open(start.instant!), (session) => readOne(context, session, start, chunk)),
    end: (start) => Promise.resolve(tsoToMs(start.instant!)),
  };
}

function readOne(
  context: Parameters<typeof readChunk>[0],
  session: MysqlSession,
  { tables, landing, cdcTs }: BootstrapStart,
  chunk: SourceChunk,
) {
  const table = (tables as SourceTable[])[chunk.table]!;
  return readChunk(context, session, {
    table,
    columns: mirrorColumns(landing, table),
    options: valueOptions(landing),
    chunk: chunk as Chunk,
    cdcTs,
  });
}

/** Columns of the source as they are now; of shards all that any of them has. */
export async function learnTidbColumns(access: SourceAccess): Promise<{ name: string; type: string }[]> {
  const opening = MysqlSession.open({ url: access.url, ...(access.signal && { signal: access.signal }) });
  return withSession(opening, async (session) => {
    const columns = new Map<string, { name: string; type: string }>();
    for (const table of await sourceTables(session, access.spec)) {
      for (const { name, type } of table.columns) {
        if (!columns.has(name.toLowerCase())) columns.set(name.toLowerCase(), { name, type });
      }
    }
    return [...columns.values()];
  });
}

/** The table, or all whose names fit the pattern. @throws TributaryError SourceTableMissing */
export async function sourceTables(
  session: MysqlSession,
  spec: SourceAccess['spec'],
): Promise<SourceTable[]> {
  if (spec.pattern === undefined) return [await readSourceTable(session, spec.table)];
  const { database } = splitTableName(spec.table);
  const rows = await session.rows(
    `SELECT table_name FROM information_schema.tables WHERE table_schema = ${mysqlString(database)} ` +
      `AND table_type = 'BASE TABLE' ORDER BY table_name`,
    `listing the tables of ${database}`,
  );
  const wanted = new RegExp(spec.pattern, 'u');
  const names = rows.map(([name]) => name!).filter((name) => wanted.test(name));
  const tables: SourceTable[] = [];
  for (const name of names) tables.push(await readSourceTable(session, `${database}.${name}`));
  if (tables.length > 0) return tables;
  throw sourceError(
    'SourceTableMissing',
    `The source has no table in ${database} whose name fits ${spec.pattern}, or its user may not see them.`,
    { database, pattern: spec.pattern },
  );
}

/** The key if all shards have the same one. */
export function commonKey(tables: readonly Pick<SourceTable, 'key'>[]): string[] {
  const [first, ...rest] = tables;
  const same = rest.every(({ key }) => key.join('\0') === first!.key.join('\0'));
  return same ? (first?.key ?? []) : [];
}

export function mirrorColumns({ spec, columns }: LandingTable, table: SourceTable): MirrorColumn[] {
  return columns.map(({ name, type, path }) => ({
    name,
    type,
    source: path,
    ...(spec.match?.shardColumn === name && { constant: table.table }),
  }));
}

export function valueOptions({ spec }: LandingTable): ValueOptions {
  return { zone: spec.timezone, timestamps: spec.timestamps };
}

/** Null where the user may not see it: the database itself then says when versions are gone. */
export async function gcState(session: MysqlSession): Promise<GcState | null> {
  try {
    return await readGcState(session);
  } catch (error) {
    if (isTributaryError(error, 'SourceDenied')) return null;
    throw error;
  }
}

function shortGcLife({ lifeMs }: GcState): string {
  return (
    `TiDB keeps old versions for ${Math.round(lifeMs / 60_000)} min only (tidb_gc_life_time). A bootstrap that takes longer has to ` +
    `begin again: SET GLOBAL tidb_gc_life_time = '24h' until it is done.`
  );
}

export async function withSession<T>(
  opening: Promise<MysqlSession>,
  body: (session: MysqlSession) => Promise<T>,
): Promise<T> {
  const session = await opening;
  try {
    return await body(session);
  } finally {
    session.close();
  }
}
