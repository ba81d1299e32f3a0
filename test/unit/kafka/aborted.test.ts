import { describe, expect, it } from 'vitest';
import { abortedFilter } from '../../../kafka/aborted.js';

const data = (lastOffset: number, producerId: number, isTransactional = true) => ({
  lastOffset,
  producerId,
  isTransactional,
  isControl: false,
});
const marker = (lastOffset: number, producerId: number) => ({
  ...data(lastOffset, producerId),
  isControl: true,
});

// A wrong answer here lands rows that the application has rolled back, or loses rows that it has committed.
describe('abortedFilter', () => {
  it("drops a producer's batches from its first aborted offset to its marker, and no others", () => {
    const filter = abortedFilter([{ producerId: 1, firstOffset: 10 }]);
    expect(filter.isAborted(data(9, 1))).toBe(false);
    expect(filter.isAborted(data(12, 1))).toBe(true);
    expect(filter.isAborted(data(13, 2))).toBe(false);
    expect(filter.isAborted(data(14, 1, false))).toBe(false);
    filter.endTransaction(marker(15, 1));
    expect(filter.isAborted(data(16, 1))).toBe(false);
  });

  it('takes several transactions of a producer, listed in any order', () => {
    const filter = abortedFilter([
      { producerId: 1, firstOffset: 20 },
      { producerId: 1, firstOffset: 10 },
    ]);
    expect(filter.isAborted(data(11, 1))).toBe(true);
    filter.endTransaction(marker(12, 1));
    expect(filter.isAborted(data(15, 1))).toBe(false);
    expect(filter.isAborted(data(21, 1))).toBe(true);
  });

  it('knows a transaction that began before the fetch', () => {
    const filter = abortedFilter([{ producerId: 7, firstOffset: 3 }]);
    expect(filter.isAborted(data(100, 7))).toBe(true);
  });

  it('bears a marker without a transaction (field note BG)', () => {
    const filter = abortedFilter([]);
    filter.endTransaction(marker(5, 1));
    expect(filter.isAborted(data(6, 1))).toBe(false);
  });

  it('lets only a control batch end a transaction (field note BF)', () => {
    const filter = abortedFilter([{ producerId: 1, firstOffset: 0 }]);
    filter.endTransaction(data(1, 1));
    expect(filter.isAborted(data(2, 1))).toBe(true);
  });
});
