import { createServer, type AddressInfo } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BufferPool } from '../../../kafka/buffer-pool.js';
import { FrameAssembler, framedSocket } from '../../../kafka/framed-socket.js';

function framed(payload: Uint8Array): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(payload.length);
  return Buffer.concat([size, payload]);
}

describe('FrameAssembler', () => {
  // TCP cuts where it likes, also inside the size; a byte lost here shifts every later response.
  it('gives each response whole, however the bytes arrive', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 97 }), { minLength: 1, maxLength: 20 }),
        (payloads, cuts) => {
          const frames: Buffer[] = [];
          const assembler = new FrameAssembler(new BufferPool(), (frame) => frames.push(Buffer.from(frame)));
          const stream = Buffer.concat(payloads.map(framed));
          const reused = Buffer.alloc(100);
          for (let at = 0, turn = 0; at < stream.length; turn++) {
            const length = stream.copy(reused, 0, at, at + cuts[turn % cuts.length]!);
            assembler.add(reused, length);
            at += length;
          }
          expect(frames).toEqual(payloads.map(framed));
        },
      ),
    );
  });

  it('does not take another protocol for a response', () => {
    const assembler = new FrameAssembler(new BufferPool(), () => undefined);
    const http = Buffer.from('HTTP/1.1 400 Bad Request');
    expect(() => assembler.add(http, http.length)).toThrow(/port of a Kafka listener/);
  });
});

describe('framedSocket', () => {
  it('emits data, end and errors as kafkajs waits for them', async () => {
    const server = createServer((peer) => {
      peer.once('data', () => {
        peer.write(framed(Buffer.from('one')));
        peer.end(framed(Buffer.alloc(1 << 20, 7)));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const sizes: number[] = [];
    const ended = await new Promise<boolean>((resolve, reject) => {
      const onConnect = (): void => void socket.write('hello');
      const socket = framedSocket({ host: '127.0.0.1', port, ssl: undefined, onConnect }, new BufferPool());
      socket.on('data', (frame: Buffer) => sizes.push(frame.length));
      socket.on('end', () => resolve(true));
      socket.on('error', reject);
    });
    expect(ended).toBe(true);
    expect(sizes).toEqual([7, (1 << 20) + 4]);
    await new Promise((resolve) => server.close(resolve));
    const refused = await new Promise<NodeJS.ErrnoException>((resolve) => {
      const request = { host: '127.0.0.1', port, ssl: undefined, onConnect: () => undefined };
      framedSocket(request, new BufferPool()).on('error', resolve);
    });
    expect(refused.code).toBe('ECONNREFUSED');
  });
});

describe('BufferPool', () => {
  it('hands out no buffer that is in use, and takes back only its own, once', () => {
    const pool = new BufferPool();
    const first = pool.take(1 << 20);
    const second = pool.take(1 << 20);
    expect(first.buffer).not.toBe(second.buffer);
    pool.release(first.subarray(10, 20));
    pool.release(first);
    pool.release(Buffer.alloc(1 << 20));
    const third = pool.take(500 << 10);
    expect(third).toHaveLength(500 << 10);
    expect(third.buffer).toBe(first.buffer);
    expect(pool.take(500 << 10).buffer).not.toBe(first.buffer);
  });
});
