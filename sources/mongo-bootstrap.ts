import { readBson } from '../changelog/decoders/bson-read.js';
import { docIdMode } from '../changelog/decoders/mongo-change.js';
import { docId } from '../changelog/decoders/mongo-id.js';
import { ejsonText } from '../changelog/decoders/ejson.js';
import { mirrorTable } from '../changelog/mirror-table.js';
import type { LandingTable } from '../changelog/types.js';
import type { BootstrapSpec, TableSpec } from '../config/spec.js';
import { duckString } from '../warehouse/sql.js';
import type { SnapshotColumn } from '../warehouse/snapshot/types.js';
import type { BootstrapSource, SourceAccess } from './bootstrap-source.js';
import { sourceError } from './errors.js';
import { planMongoChunks, type MongoChunk } from './mongo-chunks.js';
import { CLOCK_SKEW_MS, type NodePolicy } from './mongo-node.js';
import { MongoSession } from './mongo-session.js';
import { splitTableName } from './mysql-table.js';
import { readDocuments, type DocumentCodec } from './read-documents.js';

/** A member this far behind may not have what the log no longer has. */
const LAGGING_MS = 600_000;

/** MongoDB: off the primary, from an oplog position on that is taken before anything is read. */
export function mongoBootstrap(access: SourceAccess): BootstrapSource {
  const withSession = async <T>(body: (session: MongoSession) => Promise<T>): Promise<T> => {
    const session = await openMongo(access);
    try {
      return await body(session);
    } finally {
      await session.close();
    }
  };
  return {
    begin: (_landing, order) =>
      withSession(async (session) => {
        const { orderKey, warning } = await session.begin();
        const lagMs = Date.now() - orderKey.ms;
        const warnings = [warning, lagMs > LAGGING_MS ? lagging(lagMs) : null].filter(
          (text) => text !== null,
        );
        return {
          // An order that is no time: the documents come before all of the log, whose repeats change nothing.
          cdcTs: order === 'oplog' ? orderKey.cdcTs : '0',
          instant: orderKey.applied?.toString() ?? null,
          startedMs: orderKey.ms,
          tables: await collections(session, access.spec),
          sourceKey: ['doc_id'],
          warning: warnings.length === 0 ? null : warnings.join(' '),
        };
      }),
    async *cut(start, chunkRows, known) {
      const session = await openMongo(access);
      try {
        const applied = start.instant === null ? null : BigInt(start.instant);
        const names = start.tables as string[];
        let index = known === undefined ? 0 : known.index + 1;
        for (let i = known?.table ?? 0; i < names.length; i++) {
          const within = known?.table === i ? (known as MongoChunk) : undefined;
          for await (const chunk of planMongoChunks(session, names[i]!, applied, chunkRows, within)) {
            yield { ...chunk, index: index++, table: i };
          }
        }
      } finally {
        await session.close();
      }
    },
    read: (context, start, chunk) =>
      withSession((session) => {
        const collection = (start.tables as string[])[chunk.table]!;
        return readDocuments(context, session, {
          collection,
          chunk: chunk as MongoChunk,
          columns: documentColumns(start.landing, collection),
          codec: documentCodec(start.landing.spec),
          cdcTs: start.cdcTs,
          applied: start.instant === null ? null : BigInt(start.instant),
        });
      }),
    // Documents may have been read as late as now. Oplog times are whole seconds, so the second counts as a whole.
    end: () =>
      withSession(async (session) => {
        const { orderKey } = await session.begin();
        return orderKey.applied === null
          ? Date.now() + CLOCK_SKEW_MS
          : (Number(orderKey.applied >> 32n) + 1) * 1000;
      }),
  };
}

/** Documents as the changelog has them. */
export function documentCodec(spec: TableSpec): DocumentCodec {
  const mode = docIdMode(spec.formatOptions);
  return (bson) => {
    const document = readBson(bson);
    return { docId: docId(document.get('_id') ?? null, mode), doc: ejsonText(document) };
  };
}

function documentColumns(landing: LandingTable, collection: string): SnapshotColumn[] {
  const shard = landing.spec.match?.shardColumn;
  return mirrorTable(landing, ['doc_id']).columns.map((column) =>
    column.name === shard
      ? { ...column, fromDocument: () => duckString(splitTableName(collection).table) }
      : column,
  );
}

export function openMongo({ url, spec, signal }: SourceAccess): Promise<MongoSession> {
  return MongoSession.open({ url, ...nodePolicy(spec), ...(signal && { signal }) });
}

export function nodePolicy(spec: BootstrapSpec): NodePolicy {
  return { readPreference: spec.readPreference ?? 'secondary', direct: spec.direct ?? false };
}

/** The collection, or all whose names fit the pattern. @throws TributaryError SourceTableMissing */
async function collections(session: MongoSession, spec: BootstrapSpec): Promise<string[]> {
  const { database, table } = splitTableName(spec.table);
  const names = await session.collectionNames(database);
  const wanted = spec.pattern === undefined ? undefined : new RegExp(spec.pattern, 'u');
  const found = names.filter((name) => (wanted ? wanted.test(name) : name === table)).sort();
  if (found.length > 0) return found.map((name) => `${database}.${name}`);
  throw sourceError(
    'SourceTableMissing',
    `The source has no collection ${spec.pattern === undefined ? spec.table : `in ${database} whose name fits ${spec.pattern}`}, ` +
      `or its user may not see it.`,
    { database, table },
  );
}

function lagging(lagMs: number): string {
  return (
    `The member is ${Math.round(lagMs / 60_000)} min behind: the log must reach back at least that far, or changes in between are in ` +
    `neither.`
  );
}
