import type { TableSpec } from '../config/spec.js';
import type { Fault } from './ingest-types.js';

export interface BootstrapInput {
  spec: TableSpec;
  /** Pin of the table's columns. */
  pin: string;
  /** Workflow id of the table that hears of the progress. */
  table: string;
  /** Directory of the base that is to be replaced by a new one. */
  replaces?: string | null;
  /** Carried over from the run before. */
  carried?: { generation: number; page: number; progress: BootstrapProgress };
}

export interface StartBootstrapRequest {
  spec: TableSpec;
  pin: string;
  /** A generation whose instant the source has lost. */
  lost: { generation: number; reason: string } | null;
  /** Directory of a finished bootstrap that another one shall follow; null: what is finished is good. */
  replaces: string | null;
}

export interface BootstrapStarted {
  generation: number;
  directory: string;
  /** It is finished already. */
  base: BootstrapBase | null;
  warning: string | null;
}

export interface PlanBootstrapRequest {
  spec: TableSpec;
  directory: string;
  /** From 1. */
  page: number;
  chunkRows: number;
}

export interface BootstrapPage {
  chunks: number;
  /** No page comes after it. */
  last: boolean;
  /** Indices of the chunks that are still to be read. */
  todo: number[];
  /** Rows of those that are done. */
  doneRows: number;
}

export interface ReadChunkRequest {
  spec: TableSpec;
  directory: string;
  page: number;
  index: number;
  /** This chunk's share of the bootstrap's ceiling; null: none. */
  rowsPerSecond: number | null;
}

/** A finished bootstrap: a snapshot manifest and its files in storage. */
export interface BootstrapBase {
  directory: string;
  /** Its rows show this instant, ms since the epoch: the first snapshot is that of the first boundary after it. */
  boundaryMs: number;
  rows: number;
  /** `cdc_ts` of its rows, decimal: later changes of the log win over them. */
  cdcTs: string;
  /** The source's key, or the config's, by the columns' names in Hive. */
  key: string[];
}

/** How a bootstrap stands, in numbers for a person. */
export interface BootstrapProgress {
  phase: 'joining' | 'reading' | 'finishing';
  /** Counts the beginnings; 1 unless the source lost the instant that was being read. */
  generation: number;
  chunksDone: number;
  chunksPlanned: number;
  /** All of the source is cut into chunks: `chunksPlanned` will not grow any more. */
  planned: boolean;
  rows: number;
  rowsPerSecond: number;
  /** What a person should know, such as that the primary is read. */
  warning: string | null;
  fault: Fault | null;
}
