import type { LandingTable } from '../changelog/types.js';
import type { BootstrapSpec } from '../config/spec.js';
import type { OrderKind } from '../warehouse/snapshot/types.js';
import type { MongoChunk } from './mongo-chunks.js';
import type { Chunk } from './mysql-chunks.js';
import type { SourceTable } from './mysql-table.js';
import type { LocalChunk, ReadContext } from './read-chunk.js';

/** What a bootstrap needs to reach its source. */
export interface SourceAccess {
  /** With its password: it goes into no file, message or history. */
  url: string;
  spec: BootstrapSpec;
  signal?: AbortSignal;
}

/** What the first attempt decides, and all later ones follow: `_start.json` of the bootstrap's directory. */
export interface BootstrapStart {
  kind: BootstrapSpec['kind'];
  /** What the log's order key counts. */
  order: OrderKind;
  /** `cdc_ts` of the rows, decimal. */
  cdcTs: string;
  /** TiDB: the TSO that everything is read as of. MongoDB: the oplog position that every read waits for; null: there is none. */
  instant: string | null;
  startedMs: number;
  /** The tables that are read into the mirror; of MongoDB only the names, `database.collection`. */
  tables: SourceTable[] | string[];
  /** Key of the source's tables, by the source's names; empty: they have none. */
  sourceKey: string[];
  /** The mirror's columns, which all chunks have. */
  landing: LandingTable;
  warning: string | null;
}

/** What the source alone says at the start. */
export type Beginning = Pick<
  BootstrapStart,
  'cdcTs' | 'instant' | 'tables' | 'sourceKey' | 'warning' | 'startedMs'
>;

/** A piece of one of the tables. */
export type SourceChunk = (Chunk | MongoChunk) & {
  /** Index in `tables`. */
  table: number;
};

/** One kind of database, read for a bootstrap. Every call opens and closes connections of its own. */
export interface BootstrapSource {
  /** Fixes the instant, and looks at what is to be read. */
  begin(landing: LandingTable, order: OrderKind): Promise<Beginning>;
  /** Cuts the tables into chunks after the last one that is known. */
  cut(start: BootstrapStart, chunkRows: number, known: SourceChunk | undefined): AsyncGenerator<SourceChunk>;
  read(context: ReadContext, start: BootstrapStart, chunk: SourceChunk): Promise<LocalChunk>;
  /** The instant, ms since the epoch, that the rows show now that all are read: boundaries after it may build on them. */
  end(start: BootstrapStart): Promise<number>;
}
