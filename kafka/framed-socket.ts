import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { BufferPool } from './buffer-pool.js';

/** What kafkajs hands to a socket factory. */
export interface SocketRequest {
  host: string;
  port: number;
  ssl: ConnectionOptions | boolean | undefined;
  onConnect: () => void;
}

const KEEP_ALIVE_MS = 60_000;
const READ_BUFFER_BYTES = 256 << 10;
const SIZE_BYTES = 4;
/** More than this is not a response of Kafka: another protocol is spoken at that port. */
const MAX_FRAME_BYTES = 1 << 30;

/**
 * Opens a socket that emits `data` once for each whole response of Kafka (int32 size, then as many bytes) instead of
 * once for each read. kafkajs puts responses together by concatenating what it has, twice for a large one, out of a new
 * buffer for each read: for 8 MB fetches that costs as much as reading the records.
 */
export function framedSocket({ host, port, ssl, onConnect }: SocketRequest, pool: BufferPool): Socket {
  const assembler = new FrameAssembler(pool, (frame) => socket.emit('data', frame));
  const onread = {
    buffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES),
    callback: (length: number, buffer: Uint8Array): boolean => {
      try {
        assembler.add(buffer as Buffer, length);
      } catch (error) {
        socket.destroy(error as Error);
      }
      return true;
    },
  };
  // Documented for TLS too (it reads into the buffer unless `socket` is given); only the types lack it.
  const tlsOptions: ConnectionOptions & { onread: typeof onread } = {
    host,
    port,
    onread,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(typeof ssl === 'object' ? ssl : {}),
  };
  const socket = ssl ? connectTls(tlsOptions, onConnect) : connectPlain({ host, port, onread }, onConnect);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  socket.setNoDelay(true);
  return socket;
}

/** Puts frames together from reads of any size, copying each byte once. */
export class FrameAssembler {
  private frame: Buffer | undefined;
  private filled = 0;
  private readonly size = Buffer.alloc(SIZE_BYTES);
  private sizeFilled = 0;

  constructor(
    private readonly pool: BufferPool,
    private readonly emit: (frame: Buffer) => void,
  ) {}

  /** Takes the first `length` bytes of a buffer, which may be used again afterwards. */
  add(bytes: Buffer, length: number): void {
    let at = 0;
    while (at < length) {
      at +=
        this.frame === undefined
          ? this.addToSize(bytes, at, length)
          : this.addToFrame(this.frame, bytes, at, length);
    }
  }

  private addToSize(bytes: Buffer, at: number, length: number): number {
    const taken = bytes.copy(
      this.size,
      this.sizeFilled,
      at,
      Math.min(length, at + SIZE_BYTES - this.sizeFilled),
    );
    this.sizeFilled += taken;
    if (this.sizeFilled === SIZE_BYTES) {
      const size = this.size.readInt32BE(0);
      if (size < 0 || size > MAX_FRAME_BYTES) {
        throw new Error(
          `a response of ${size} bytes: is this the port of a Kafka listener, and is TLS set as it is there?`,
        );
      }
      this.frame = this.pool.take(SIZE_BYTES + size);
      this.size.copy(this.frame, 0);
      this.filled = SIZE_BYTES;
      this.sizeFilled = 0;
      // An empty answer is what an old SASL handshake ends with.
      this.emitIfFull(this.frame);
    }
    return taken;
  }

  private addToFrame(frame: Buffer, bytes: Buffer, at: number, length: number): number {
    const taken = bytes.copy(frame, this.filled, at, Math.min(length, at + frame.length - this.filled));
    this.filled += taken;
    this.emitIfFull(frame);
    return taken;
  }

  private emitIfFull(frame: Buffer): void {
    if (this.filled < frame.length) return;
    this.frame = undefined;
    this.emit(frame);
  }
}
