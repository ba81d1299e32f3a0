import type { AbortedTransaction } from './protocol/fetch.js';

/** What the filter needs to know of a batch. */
export interface TransactionalBatch {
  lastOffset: number;
  producerId: number;
  isTransactional: boolean;
  isControl: boolean;
}

/**
 * Decides batch by batch, in offset order, which ones belong to aborted transactions.
 *
 * A fetch response lists the aborted transactions that overlap it, each as producer and first offset. From that offset
 * on the producer's transactional batches are aborted, until its abort marker. The state is that of one response:
 * the next lists what is still running. A marker without a transaction is normal (the fetch began between the
 * data and its marker), and only a control batch can be a marker, whatever bytes a data record has for a key.
 */
export interface AbortedFilter {
  /** True for a data batch that was aborted. */
  isAborted(batch: TransactionalBatch): boolean;
  /** To be told of each abort marker. */
  endTransaction(batch: TransactionalBatch): void;
}

/** @param transactions those that the fetch response lists, in any order */
export function abortedFilter(transactions: readonly AbortedTransaction[]): AbortedFilter {
  const waiting = [...transactions].sort((a, b) => a.firstOffset - b.firstOffset);
  const running = new Set<number>();
  let next = 0;

  const advance = (offset: number): void => {
    for (; next < waiting.length && waiting[next]!.firstOffset <= offset; next++) {
      running.add(waiting[next]!.producerId);
    }
  };

  return {
    isAborted(batch) {
      if (batch.isControl || waiting.length === 0) return false;
      advance(batch.lastOffset);
      return batch.isTransactional && running.has(batch.producerId);
    },
    endTransaction(batch) {
      if (!batch.isControl) return;
      advance(batch.lastOffset);
      running.delete(batch.producerId);
    },
  };
}
