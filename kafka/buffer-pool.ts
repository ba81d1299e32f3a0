/** Smaller buffers cost nothing worth saving; larger ones are too much to keep. */
const SMALLEST = 256 << 10;
const LARGEST = 16 << 20;
const STEP = 1 << 20;
const KEPT = 4;

/**
 * Buffers of fetch responses, used again. A new 8 MB buffer a fetch makes V8 collect garbage every second fetch, with
 * the whole heap of the process to mark, and its pages are faulted in each time: together as much as the checksums.
 * A buffer that nobody gives back is just collected.
 */
export class BufferPool {
  private readonly free: Buffer[] = [];
  private readonly own = new WeakMap<ArrayBufferLike, Buffer>();

  /** A buffer of this size with any content. */
  take(size: number): Buffer {
    if (size < SMALLEST || size > LARGEST) return Buffer.allocUnsafeSlow(size);
    const fitting = this.free.findIndex(({ length }) => length >= size);
    if (fitting >= 0) return this.free.splice(fitting, 1)[0]!.subarray(0, size);
    const buffer = Buffer.allocUnsafeSlow(Math.ceil(size / STEP) * STEP);
    this.own.set(buffer.buffer, buffer);
    return buffer.subarray(0, size);
  }

  /** Gives back the buffer that this is a view of; no view of it may be used after this. */
  release(view: Buffer): void {
    const buffer = this.own.get(view.buffer);
    if (buffer !== undefined && this.free.length < KEPT && !this.free.includes(buffer))
      this.free.push(buffer);
  }
}
