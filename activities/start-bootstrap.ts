import type { LandingTable } from '../changelog/types.js';
import { contentHash } from '../common/hash.js';
import {
  abandonGeneration,
  currentGeneration,
  replaceGeneration,
  type Generation,
} from '../sources/bootstrap-generation.js';
import type { BootstrapSource, BootstrapStart } from '../sources/bootstrap-source.js';
import { startBootstrap as decideStart } from '../sources/bootstrap.js';
import { mirrorTable } from '../changelog/mirror-table.js';
import { checkTable } from '../warehouse/snapshot/event-sql.js';
import { orderKind } from '../warehouse/snapshot/order-kind.js';
import { ManifestStore } from '../warehouse/manifest-store.js';
import type { OrderKind } from '../warehouse/snapshot/types.js';
import { attempt } from './attempt.js';
import { bootstrapSource, sourceAccess } from './bootstrap-source.js';
import { ChangeLedger } from './change-ledger.js';
import type { ActivityContext } from './context.js';
import type { ControlActivities } from './types.js';

/**
 * Begins a table's bootstrap or finds the one that was begun: the instant is fixed here, once. A generation that was given up,
 * or that reads other columns than are wanted now, is followed by a new one. A finished one is answered without a word to the source.
 */
export function startBootstrap(context: ActivityContext): ControlActivities['startBootstrap'] {
  return ({ spec, pin, lost, replaces }) =>
    attempt(async ({ signal }) => {
      const { storage } = context;
      if (lost !== null) await abandonGeneration(storage, spec.name, lost.generation, lost.reason, signal);
      let generation = await currentGeneration(storage, spec.name, signal);
      if (replaces !== null && generation.finished?.directory === replaces) {
        await replaceGeneration(storage, spec.name, generation.number, signal);
        generation = await currentGeneration(storage, spec.name, signal);
      }
      if (generation.finished) return answer(generation, null);
      const landing = await new ManifestStore(storage).readSpec<LandingTable>(pin, signal);
      const source = bootstrapSource(sourceAccess(context, spec, signal));
      const begin = async (): Promise<BootstrapStart> => {
        // What the log has shown by now decides what its order key counts; the rows must count alike.
        const { sample } = await new ChangeLedger(storage, spec.kafka, spec.topic).read(spec.name, signal);
        return decide(source, landing, orderKind(spec.format, sample));
      };
      let start = await decideStart(storage, generation.directory, begin, signal);
      if (fingerprint(start.landing) !== fingerprint(landing)) {
        const reason = 'the config wants other columns than it reads';
        await abandonGeneration(storage, spec.name, generation.number, reason, signal);
        generation = await currentGeneration(storage, spec.name, signal);
        start = await decideStart(storage, generation.directory, begin, signal);
      }
      return answer(generation, start);
    });
}

async function decide(
  source: BootstrapSource,
  landing: LandingTable,
  order: OrderKind,
): Promise<BootstrapStart> {
  const beginning = await source.begin(landing, order);
  const start: BootstrapStart = { kind: landing.spec.bootstrap!.kind, order, landing, ...beginning };
  // Better to hear of a missing key now than when everything has been read.
  checkTable(mirrorTable(landing, keyOf(start)));
  return start;
}

/** Key columns by their names in Hive: the config's, else the source's, which in shards holds inside one shard only. */
export function keyOf({ landing, sourceKey }: Pick<BootstrapStart, 'landing' | 'sourceKey'>): string[] {
  const { spec, columns } = landing;
  if (spec.key.length > 0) return spec.key;
  const hiveName = (source: string): string =>
    columns.find(({ path }) => path === source)?.name ??
    columns.find(({ path }) => path.toLowerCase() === source.toLowerCase())?.name ??
    source.toLowerCase();
  const shard = spec.match?.shardColumn;
  const shards = shard !== undefined && sourceKey.length > 0 && spec.bootstrap?.kind === 'tidb';
  return [...(shards ? [shard] : []), ...sourceKey.map(hiveName)];
}

/** Of everything that decides which rows a bootstrap gives and how they look. */
function fingerprint({ spec, columns }: LandingTable): string {
  const { kind, table, pattern } = spec.bootstrap ?? {};
  return contentHash([columns, spec.key, spec.timezone, spec.timestamps, kind, table, pattern ?? null]);
}

function answer({ number, directory, finished }: Generation, start: BootstrapStart | null) {
  return { generation: number, directory, base: finished, warning: start?.warning ?? null };
}
