import fc from 'fast-check';
import type { Seen } from './collect.js';
import { encodeBatch, encodeMarker, type CodecName, type RecordInput } from './encode.js';
import { emptyLog, type StoredLog } from './model-broker.js';

/** One thing that producers and the log cleaner do. */
type Step =
  | { kind: 'plain'; records: Content[]; codec: CodecName }
  | { kind: 'transactional'; producer: number; records: Content[]; codec: CodecName }
  | { kind: 'end'; producer: number; commit: boolean };

interface Content {
  key: string | null;
  value: string | null;
  timestamp: number;
  /** Whether the cleaner keeps it. */
  kept: boolean;
}

interface Batch {
  input: { baseOffset: number; lastOffset: number; records: (RecordInput & { kept: boolean })[] };
  codec: CodecName;
  producer: number | undefined;
  /** Which of the producer's transactions. */
  transaction: number;
  marker: 'abort' | 'commit' | undefined;
}

export interface LogCase {
  log: StoredLog;
  /** What a read_committed reader has to see of the whole log. */
  committed: Seen[];
}

const codec = fc.constantFrom<CodecName>('none', 'none', 'gzip', 'snappy', 'snappy-raw', 'lz4', 'zstd');
// A null key, an empty one, and the four zero bytes that look like an abort marker's (field note BF).
const text = fc.oneof(
  fc.constant(null),
  fc.constantFrom('', '\0\0\0\0'),
  fc.string({ maxLength: 40 }).map((value) => Buffer.from(value).toString('latin1')),
);
const content: fc.Arbitrary<Content> = fc.record({
  key: text,
  value: text,
  timestamp: fc.integer({ min: 0, max: 4e12 }),
  kept: fc.boolean(),
});
const contents = fc.array(content, { minLength: 1, maxLength: 6 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('plain' as const), records: contents, codec }),
  fc.record({
    kind: fc.constant('transactional' as const),
    producer: fc.integer({ min: 1, max: 3 }),
    records: contents,
    codec,
  }),
  fc.record({
    kind: fc.constant('end' as const),
    producer: fc.integer({ min: 1, max: 3 }),
    commit: fc.boolean(),
  }),
);

/**
 * A log of interleaved transactions, of which some are still open, cleaned up to a random point: records gone, batches
 * empty or gone, markers gone once nothing of their transaction is left.
 */
export const randomLog: fc.Arbitrary<LogCase> = fc
  .record({
    steps: fc.array(step, { maxLength: 30 }),
    cleanedShare: fc.double({ min: 0, max: 1, noNaN: true }),
    dropsEmpty: fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
    firstOffset: fc.constantFrom(0, 5, 2 ** 40),
    logStartShare: fc.constantFrom(0, 0, 0.3),
  })
  .map((options) => build(options));

function build(options: {
  steps: Step[];
  cleanedShare: number;
  dropsEmpty: boolean[];
  firstOffset: number;
  logStartShare: number;
}): LogCase {
  const { batches, aborted, open, end } = write(options.steps, options.firstOffset);
  const lastStable = Math.min(end, ...open);
  const cleanedTo = options.firstOffset + (lastStable - options.firstOffset) * options.cleanedShare;
  const cleaned = batches.flatMap((batch, index) =>
    batch.input.lastOffset < cleanedTo ? clean(batch, options.dropsEmpty[index % 7]!, aborted) : [batch],
  );
  const surviving = dropOrphanMarkers(cleaned, cleanedTo);
  const logStart =
    options.firstOffset + Math.floor((lastStable - options.firstOffset) * options.logStartShare);
  const marked = new Set(surviving.filter(({ marker }) => marker === 'abort').map(transactionKey));
  const isAborted = (batch: Batch): boolean => aborted.has(transactionKey(batch));
  const committed = surviving
    .filter((batch) => batch.marker === undefined && !isAborted(batch))
    .flatMap(({ input }) => input.records)
    .map(({ offset, timestamp, key, value }) => ({
      offset,
      timestamp,
      key: key?.toString('latin1') ?? null,
      value: value?.toString('latin1') ?? null,
    }));
  return {
    committed,
    log: {
      ...emptyLog(),
      batches: surviving.map((batch) => ({ ...batch.input, bytes: encoded(batch) })),
      // The cleaner writes the index anew, with the transactions whose markers it keeps.
      aborted: [...aborted].flatMap(([transaction, listed]) => (marked.has(transaction) ? [listed] : [])),
      logStart,
      lastStable,
      highWatermark: end,
    },
  };
}

type Aborted = Map<string, { producerId: number; firstOffset: number; markerOffset: number }>;

function write(
  steps: Step[],
  firstOffset: number,
): { batches: Batch[]; aborted: Aborted; open: number[]; end: number } {
  let next = firstOffset;
  const batches: Batch[] = [];
  const aborted: Aborted = new Map();
  const open = new Map<number, { transaction: number; firstOffset: number }>();
  for (const [index, step] of steps.entries()) {
    const baseOffset = next;
    if (step.kind === 'end') {
      const running = open.get(step.producer);
      if (running === undefined) continue;
      open.delete(step.producer);
      const marker = step.commit ? 'commit' : 'abort';
      const { transaction } = running;
      const batch: Batch = {
        input: { baseOffset, lastOffset: baseOffset, records: [] },
        codec: 'none',
        producer: step.producer,
        transaction,
        marker,
      };
      batches.push(batch);
      if (!step.commit) {
        const { firstOffset } = running;
        aborted.set(transactionKey(batch), {
          producerId: step.producer,
          firstOffset,
          markerOffset: baseOffset,
        });
      }
      next++;
      continue;
    }
    const producer = step.kind === 'transactional' ? step.producer : undefined;
    if (producer !== undefined && !open.has(producer)) {
      open.set(producer, { transaction: index, firstOffset: baseOffset });
    }
    const records = step.records.map(({ key, value, timestamp, kept }) => ({
      offset: next++,
      timestamp,
      key: key === null ? null : Buffer.from(key, 'latin1'),
      value: value === null ? null : Buffer.from(value, 'latin1'),
      kept,
    }));
    batches.push({
      input: { baseOffset, lastOffset: next - 1, records },
      codec: step.codec,
      producer,
      transaction: producer === undefined ? -1 : open.get(producer)!.transaction,
      marker: undefined,
    });
  }
  return { batches, aborted, open: [...open.values()].map(({ firstOffset }) => firstOffset), end: next };
}

function transactionKey({ producer, transaction }: Batch): string {
  return `${producer ?? 'none'}/${transaction}`;
}

/** The cleaner takes all records of aborted transactions, and of others those that are not the newest of their key. */
function clean(batch: Batch, dropsEmpty: boolean, aborted: Aborted): Batch[] {
  if (batch.marker !== undefined) return [batch];
  const records = aborted.has(transactionKey(batch)) ? [] : batch.input.records.filter(({ kept }) => kept);
  if (records.length === 0 && dropsEmpty) return [];
  return [{ ...batch, input: { ...batch.input, records } }];
}

/** A marker stays for as long as any batch of its transaction does, an empty one too (Kafka's CleanedTransactionMetadata). */
function dropOrphanMarkers(batches: Batch[], cleanedTo: number): Batch[] {
  const withData = new Set(batches.filter(({ marker }) => marker === undefined).map(transactionKey));
  return batches.filter(
    (batch) =>
      batch.marker === undefined ||
      batch.input.lastOffset >= cleanedTo ||
      withData.has(transactionKey(batch)),
  );
}

function encoded({ input, codec, producer, marker }: Batch): Buffer {
  if (marker !== undefined) return encodeMarker(input.baseOffset, producer!, marker);
  return encodeBatch({
    ...input,
    codec,
    ...(producer === undefined ? {} : { producerId: producer, transactional: true }),
  });
}
