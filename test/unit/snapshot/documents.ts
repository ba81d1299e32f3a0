import fc from 'fast-check';
import type { SnapshotTable } from '../../../warehouse/snapshot/types.js';
import { CHANGE_TAIL, type TestColumn } from './engine.js';

export type Doc = Record<string, unknown>;
export interface Event {
  id: string;
  kind: 'full' | 'delete' | 'patch';
  ts: number;
  value: Doc;
}

export const documentTable: SnapshotTable = {
  name: 'items',
  kind: 'document',
  key: ['doc_id'],
  columns: [
    { name: 'doc_id', type: 'string' },
    { name: 'doc', type: 'string' },
    {
      name: 'n',
      type: 'bigint',
      fromDocument: (doc) => `try_cast(json_extract_string(${doc}, '$.n') AS BIGINT)`,
    },
  ],
};
export const documentColumns: TestColumn[] = [
  ['doc_id', 'VARCHAR'],
  ['doc', 'VARCHAR'],
  ['n', 'BIGINT'],
  ['cdc_patch', 'VARCHAR'],
  ...CHANGE_TAIL,
];

/** Sets members; null removes one. Not idempotent in member order, so that a patch applied twice or out of order shows. */
function fold(doc: string, patch: string): string {
  const result = JSON.parse(doc) as Doc;
  const log = (result['log'] ?? []) as unknown[];
  for (const [name, value] of Object.entries(JSON.parse(patch) as Doc)) {
    if (value === null) delete result[name];
    else result[name] = value;
  }
  return JSON.stringify({ ...result, log: [...log, JSON.parse(patch)] });
}

export const foldAll = (doc: string, patches: readonly string[]): string => patches.reduce(fold, doc);

export const eventHistory: fc.Arbitrary<Event[]> = fc
  .array(
    fc.record({
      id: fc.constantFrom('a', 'b', 'ü', 'late'),
      kind: fc.constantFrom<Event['kind']>('full', 'patch', 'patch', 'patch', 'delete'),
      value: fc.dictionary(
        fc.constantFrom('n', 'm'),
        fc.option(fc.integer({ min: 0, max: 9 }), { freq: 4, nil: null }),
      ),
    }),
    { maxLength: 30 },
  )
  .map((list) => list.map((event, i) => ({ ...event, ts: (i + 1) * 1000 })));

/** Plays what was delivered in source order. Patches of a document that is not there wait. */
export function playEvents(delivered: Event[]): {
  rows: { doc_id: string; doc: string; n: string | null }[];
  pending: number;
} {
  const docs = new Map<string, string>();
  const waiting = new Map<string, number>();
  const unique = [...new Map(delivered.map((event) => [event.ts, event])).values()];
  for (const event of unique.sort((a, b) => a.ts - b.ts)) {
    const old = docs.get(event.id);
    if (event.kind === 'patch') {
      if (old === undefined) waiting.set(event.id, (waiting.get(event.id) ?? 0) + 1);
      else docs.set(event.id, fold(old, JSON.stringify(event.value)));
      continue;
    }
    waiting.delete(event.id);
    if (event.kind === 'full') docs.set(event.id, JSON.stringify(event.value));
    else docs.delete(event.id);
  }
  const rows = [...docs].map(([doc_id, doc]) => {
    const n = (JSON.parse(doc) as Doc)['n'];
    return { doc_id, doc, n: typeof n === 'number' ? String(n) : null };
  });
  return {
    rows: rows.sort((x, y) => (x.doc_id < y.doc_id ? -1 : 1)),
    pending: [...waiting.values()].reduce((sum, count) => sum + count, 0),
  };
}

/** Changelog rows of events. */
export function landedEvents(list: Event[], from: number): Record<string, unknown>[] {
  return list.map((event, i) => ({
    doc_id: event.id,
    doc: event.kind === 'patch' ? null : JSON.stringify(event.value),
    n: event.kind === 'patch' ? null : (event.value['n'] ?? null),
    cdc_patch: event.kind === 'patch' ? JSON.stringify(event.value) : null,
    kafka_partition: 0,
    kafka_offset: from + i,
    ingest_batch: 'b',
    event_time: new Date(event.ts).toISOString().replace('T', ' ').replace('Z', ''),
    cdc_op: event.kind === 'delete' ? 'd' : event.kind === 'patch' ? 'u' : 'i',
    cdc_ts: event.ts,
    cdc_seq: 0,
    cdc_before: null,
  }));
}

/** Commits in the source's order, with repeats of what came before; only the documents `late` come last of all. */
export function eventCommits(history: Event[], random: Iterator<number>): Event[][] {
  const commits: Event[][] = [[], [], [], []];
  const next = (): number => random.next().value as number;
  history.forEach((event, i) => {
    const late = event.id === 'late' && event.kind === 'full';
    const place = late ? 3 : Math.min(3, Math.floor((i * 4) / history.length));
    commits[place]!.splice(next() % (commits[place]!.length + 1), 0, event);
    const again = next() % 8;
    if (again > place && again < 4) commits[again]!.unshift(event);
  });
  return commits;
}
