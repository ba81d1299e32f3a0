import { z } from 'zod';
import type { LandingTable } from '../changelog/types.js';
import { CONTROL, partitionPath, quoteSegment, streamName, type Stream } from '../warehouse/layout.js';
import type { SplitManifest, StagedFile } from '../warehouse/manifest.js';
import type { OrderSample } from '../warehouse/snapshot/order-kind.js';
import type { Storage } from '../warehouse/storage.js';
import { VersionedFile } from '../warehouse/versioned-file.js';
import { changelogTable } from './hive-tables.js';

const bound = z.number().nullable();
const entrySchema = z.object({
  /** Stream of commits -> sequence of its last commit with rows of this partition. */
  streams: z.record(z.string(), z.number()),
  minEventMs: bound,
  maxEventMs: bound,
});
export type LedgerEntry = z.infer<typeof entrySchema>;

const tableSchema = z.object({
  /** The key that the log names. */
  key: z.array(z.string()).optional(),
  sample: z.object({ cdcTs: z.string(), eventMs: z.number() }).optional(),
  /** `dt=…[/hh=…]` of the changelog -> what no snapshot has taken in yet. */
  partitions: z.record(z.string(), entrySchema),
});
export interface TableLedger {
  key?: string[] | undefined;
  sample?: OrderSample | undefined;
  partitions: Record<string, LedgerEntry>;
}

const ledgerSchema = z.object({ version: z.literal(1), tables: z.record(z.string(), tableSchema) });
type Ledger = z.infer<typeof ledgerSchema>;

/**
 * Which changelog partitions have changes that the next snapshots must read: one small document a topic, so that a snapshot looks
 * neither at the thousands of partitions that it needs no more, nor at every commit since the last one.
 */
export class ChangeLedger {
  private readonly file: VersionedFile<Ledger>;

  constructor(storage: Storage, kafka: string, topic: string) {
    const directory = `${CONTROL}/changes/${quoteSegment(kafka)}/${quoteSegment(topic)}`;
    this.file = new VersionedFile<Ledger>(storage, directory, ledgerSchema);
  }

  async read(table: string, signal?: AbortSignal): Promise<TableLedger> {
    return (await this.file.read(signal))?.tables[table] ?? { partitions: {} };
  }

  /** Notes the partitions that a commit is about to touch: before its rows can be seen, or a snapshot might miss them. */
  async note(
    stream: Stream,
    seq: number,
    landings: LandingTable[],
    manifests: SplitManifest[],
    signal?: AbortSignal,
  ): Promise<void> {
    const mirrors = landings.filter(({ spec }) => spec.snapshot !== undefined);
    const files = manifests.flatMap((manifest) => manifest.files);
    const touched = mirrors
      .map(({ spec }) => [spec.name, files.filter((file) => file.table === changelogTable(spec))] as const)
      .filter(([, own]) => own.length > 0);
    if (touched.length === 0) return;
    await this.file.update((now) => {
      const tables = { ...now?.tables };
      let changed = false;
      for (const [table, own] of touched) {
        const noted = noteFiles(tables[table] ?? { partitions: {} }, own, streamName(stream), seq);
        if (noted === undefined) continue;
        tables[table] = noted;
        changed = true;
      }
      return changed ? { version: 1, tables } : undefined;
    }, signal);
  }

  /** Forgets what a snapshot has taken in whole: no commit beyond `applied`, no change at or beyond `throughMs`. */
  async settle(
    table: string,
    applied: Readonly<Record<string, number>>,
    throughMs: number,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.file.update((now) => {
      const known = now?.tables[table];
      if (known === undefined) return undefined;
      const left = Object.entries(known.partitions).filter(
        ([, entry]) => isFresh(entry, applied) || (entry.maxEventMs ?? Infinity) >= throughMs,
      );
      if (left.length === Object.keys(known.partitions).length) return undefined;
      const partitions = Object.fromEntries(left);
      return { version: 1, tables: { ...now!.tables, [table]: { ...known, partitions } } };
    }, signal);
  }
}

/** Whether a partition has commits beyond those that are applied. */
export function isFresh(
  { streams }: Pick<LedgerEntry, 'streams'>,
  applied: Readonly<Record<string, number>>,
): boolean {
  return Object.entries(streams).some(([stream, seq]) => seq > (applied[stream] ?? 0));
}

/** Undefined if the commit is noted already. */
function noteFiles(
  known: TableLedger,
  files: readonly StagedFile[],
  stream: string,
  seq: number,
): TableLedger | undefined {
  const partitions = { ...known.partitions };
  let changed = false;
  for (const file of files) {
    const path = partitionPath(file.partition);
    const entry = partitions[path];
    if ((entry?.streams[stream] ?? 0) >= seq && covers(entry!, file)) continue;
    changed = true;
    partitions[path] = {
      streams: { ...entry?.streams, [stream]: Math.max(seq, entry?.streams[stream] ?? 0) },
      minEventMs: entry ? widest(Math.min, entry.minEventMs, file.minEventMs) : file.minEventMs,
      maxEventMs: entry ? widest(Math.max, entry.maxEventMs, file.maxEventMs) : file.maxEventMs,
    };
  }
  if (!changed) return undefined;
  const last = files.at(-1)!;
  const key = last.key ?? known.key;
  const sample =
    last.maxCdcTs === null || last.maxEventMs === null
      ? known.sample
      : { cdcTs: last.maxCdcTs, eventMs: last.maxEventMs };
  return { ...(key && { key }), ...(sample && { sample }), partitions };
}

function covers(entry: LedgerEntry, file: StagedFile): boolean {
  const low = entry.minEventMs === null || (file.minEventMs !== null && entry.minEventMs <= file.minEventMs);
  return (
    low && (entry.maxEventMs === null || (file.maxEventMs !== null && entry.maxEventMs >= file.maxEventMs))
  );
}

/** An unknown bound stays unknown: it is wide. */
function widest(choose: (a: number, b: number) => number, a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : choose(a, b);
}
