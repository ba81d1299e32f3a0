import type { RowImage } from '../types.js';

interface LastWrite {
  position: number;
  image: RowImage;
}

/**
 * Gives the mutations of one transaction their `seq`.
 *
 * A mutation at position p (tables in order, then rows) gets 2p + 1; the delete half of an update that changes the key
 * gets 2p, so that it comes before its insert half. Positions are execution order, so a chain through a spare key
 * (a -> tmp, b -> a, tmp -> b) comes out right. If one statement swaps keys (a -> b, b -> a), the second delete of `b`
 * means the row that was there before, not the one just written: its image differs. It then goes to 2q, right before
 * the write at q that took its key over.
 */
export class TransactionOrder {
  private readonly writes = new Map<string, LastWrite>();

  /** Order of an insert or update image at `position`. `key` is null for tables without a key. */
  write(key: string | null, image: RowImage, position: number): bigint {
    if (key !== null) this.writes.set(key, { position, image });
    return BigInt(2 * position + 1);
  }

  /** Order of a delete; `half` if it is the first half of an update. */
  remove(key: string | null, image: RowImage, position: number, half: boolean): bigint {
    const last = key === null ? undefined : this.writes.get(key);
    if (last !== undefined && differs(last.image, image)) return BigInt(2 * last.position);
    return BigInt(2 * position + (half ? 0 : 1));
  }
}

/**
 * True if two images of one key cannot be the same row. NULL proves nothing: generated columns are NULL in some images
 * of a row and not in others (change-log-formats 1.8 trap 2).
 */
function differs(a: RowImage, b: RowImage): boolean {
  return Object.entries(a).some(([name, value]) => {
    const other = b[name];
    return value !== null && other !== null && other !== undefined && value !== other;
  });
}
