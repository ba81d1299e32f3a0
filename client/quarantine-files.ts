import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quarantineTable, topicQuarantineTable } from '../changelog/quarantine.js';
import {
  newestRecords,
  summarise,
  type QuarantinedRecord,
  type QuarantineFilter,
} from '../changelog/quarantine-read.js';
import { TributaryError } from '../common/errors.js';
import { Duck } from '../warehouse/duckdb.js';
import { baseName } from '../warehouse/layout.js';
import { ManifestStore } from '../warehouse/manifest-store.js';
import type { PartitionState } from '../warehouse/manifest.js';
import { mapParallel } from '../warehouse/parallel.js';
import type { Storage } from '../warehouse/storage.js';
import { openStorage } from '../workers/open-context.js';
import { pickTables, type Session } from './session.js';

const DOWNLOADS = 4;
const MEMORY_MB = 512;

/** One quarantine: a table's own, or that of a topic's records which no table can claim. */
export interface Quarantine {
  /** Name by which a person asks for it. */
  name: string;
  hiveTable: string;
  /** Topics whose records it may hold; several topics' names may come down to one Hive table's. */
  sources: { kafka: string; topic: string }[];
  /** A topic's own: its records land for the tables that read them together. */
  shared: boolean;
}

/** What one quarantine holds of one day for one reason. */
export interface QuarantineCount {
  table: string;
  hiveTable: string;
  day: string;
  /** Null where the day is too large to look into without being asked for its table by name. */
  reason: string | null;
  records: number;
  first: string | null;
  last: string | null;
}

/** All quarantines of the config's tables and topics, or the one that is named: a table, or `topic_<topic>_quarantine`. */
export function quarantinesOf(session: Session, name?: string): Quarantine[] {
  const tables = session.specs.map(({ name: table, kafka, topic }) => ({
    name: table,
    hiveTable: quarantineTable(table),
    sources: [{ kafka, topic }],
    shared: false,
  }));
  const topics = new Map<string, Quarantine>();
  for (const { kafka, topic } of session.specs) {
    const hiveTable = topicQuarantineTable(topic);
    const known = topics.get(hiveTable)?.sources ?? [];
    const same = known.some((source) => source.kafka === kafka && source.topic === topic);
    const sources = same ? known : [...known, { kafka, topic }];
    topics.set(hiveTable, { name: hiveTable, hiveTable, sources, shared: true });
  }
  const all = [...tables, ...topics.values()];
  if (name === undefined) return all;
  const found = all.filter((each) => each.name === name || each.hiveTable === name);
  if (found.length === 0) {
    const topic = session.specs.find(
      (spec) => spec.topic === name || topicQuarantineTable(spec.topic) === `${name}_quarantine`,
    );
    if (topic === undefined) pickTables(session.specs, [name]);
    else throw topicQuarantineMeant(name, topicQuarantineTable(topic.topic));
  }
  return found;
}

function topicQuarantineMeant(name: string, meant: string): TributaryError {
  return new TributaryError({
    code: 'TableUnknown',
    message: `${name} is no table of the config. Records of the topic that no table claims are in: ${meant}`,
    attributes: { table: name, meant },
  });
}

/** Reads quarantines where they are stored; asks no worker and no Hive. */
export class QuarantineFiles {
  private readonly manifests: ManifestStore;
  private directory: string | undefined;
  private names = 0;

  private constructor(
    private readonly storage: Storage,
    private readonly duck: Duck,
  ) {
    this.manifests = new ManifestStore(storage);
  }

  static async with<T>(session: Session, body: (files: QuarantineFiles) => Promise<T>): Promise<T> {
    const directory = await mkdtemp(join(tmpdir(), 'tributary-quarantine-'));
    const duck = await Duck.open({
      threads: 2,
      memoryLimitMb: MEMORY_MB,
      tempDirectory: join(directory, 'duckdb'),
    });
    try {
      const files = new QuarantineFiles(openStorage(session.runtime.storage), duck);
      files.directory = directory;
      return await body(files);
    } finally {
      duck.close();
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Counts by day and reason; a day of more than `maxBytes` is counted and not looked into. */
  async counts(quarantine: Quarantine, maxBytes: number): Promise<QuarantineCount[]> {
    const { name: table, hiveTable } = quarantine;
    const counts: QuarantineCount[] = [];
    for (const state of await this.partitions(hiveTable)) {
      const day = state.partition['dt'] ?? '';
      if (state.bytes > maxBytes) {
        counts.push({ table, hiveTable, day, reason: null, records: state.rows, first: null, last: null });
        continue;
      }
      const found = await this.reading(state, (files) => summarise(this.duck, files));
      for (const { reason, records, firstMs, lastMs } of found) {
        const [first, last] = [instant(firstMs), instant(lastMs)];
        counts.push({ table, hiveTable, day, reason, records, first, last });
      }
    }
    return counts;
  }

  /** The newest records, by the time that Kafka gave them, newest first. */
  async newest(
    quarantine: Quarantine,
    filter: QuarantineFilter & { day?: string },
    limit: number,
  ): Promise<QuarantinedRecord[]> {
    const found: QuarantinedRecord[] = [];
    const states = (await this.partitions(quarantine.hiveTable)).filter(
      ({ partition }) => filter.day === undefined || partition['dt'] === filter.day,
    );
    for (const state of states.reverse()) {
      const left = limit - found.length;
      if (left <= 0) break;
      found.push(...(await this.reading(state, (files) => newestRecords(this.duck, files, filter, left))));
    }
    return found;
  }

  /** Records that fit; null where more than `maxBytes` would have to be read to count them. */
  async total(
    quarantine: Quarantine,
    { reason, day }: QuarantineFilter & { day?: string },
    maxBytes: number,
  ): Promise<number | null> {
    const states = (await this.partitions(quarantine.hiveTable)).filter(
      ({ partition }) => day === undefined || partition['dt'] === day,
    );
    if (reason === undefined) return states.reduce((sum, { rows }) => sum + rows, 0);
    if (states.reduce((sum, { bytes }) => sum + bytes, 0) > maxBytes) return null;
    let total = 0;
    for (const state of states) {
      const found = await this.reading(state, (files) => summarise(this.duck, files));
      total += found.filter((each) => each.reason === reason).reduce((sum, each) => sum + each.records, 0);
    }
    return total;
  }

  private async partitions(hiveTable: string): Promise<PartitionState[]> {
    const states = await this.manifests.listPartitions(hiveTable);
    return states.filter(({ rows, dropped }) => rows > 0 && dropped !== true);
  }

  /** Works on local copies of a partition's files, one partition at a time. */
  private async reading<T>(state: PartitionState, work: (files: string[]) => Promise<T>): Promise<T> {
    const listed = await this.storage.list(state.directory);
    const data = listed.filter((file) => !file.directory && !/^[._]/.test(baseName(file.path)));
    const files = await mapParallel(data, DOWNLOADS, async ({ path }) => {
      const local = join(this.directory!, `${this.names++}.parquet`);
      await this.storage.download(path, local);
      return local;
    });
    try {
      return await work(files);
    } finally {
      await mapParallel(files, DOWNLOADS, (file) => rm(file, { force: true }));
    }
  }
}

/**
 * The one topic whose records a quarantine's replay reads.
 * @throws TributaryError QuarantineAmbiguous
 */
export function sourceOf({ name, sources }: Quarantine): { kafka: string; topic: string } {
  const [source, ...others] = sources;
  if (others.length === 0) return source!;
  throw new TributaryError({
    code: 'QuarantineAmbiguous',
    message:
      `${name} may hold records of ${sources.map(({ kafka, topic }) => `${kafka}/${topic}`).join(' and ')}, whose tables are not read together. ` +
      'Replay it by a config that has the tables of one of them only.',
    attributes: { quarantine: name },
  });
}

function instant(ms: number): string | null {
  return ms < 0 ? null : new Date(ms).toISOString();
}
