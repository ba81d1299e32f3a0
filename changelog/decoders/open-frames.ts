import { decompressFrameSync } from 'lz4-napi';
import { errorMessage } from '../../common/errors.js';
import { DecodeProblem } from './problem.js';
import { snappyBlock } from './snappy-block.js';

const VERSION = 1n;
const LZ4_MAGIC = 0x184d2204;

/**
 * The events of one open-protocol record: the key is `version | (length | JSON)...`, the value `(length | JSON)...`, all
 * integers 8-byte big-endian (change-log-formats 2.3). Both sides have one frame an event. @throws DecodeProblem
 */
export function openFrames(key: Buffer, value: Buffer): { key: Buffer; value: Buffer }[] {
  if (key.length < 8) throw new DecodeProblem('truncated', 'key is shorter than its version');
  const version = key.readBigUInt64BE(0);
  if (version !== VERSION) throw new DecodeProblem('unsupported', `open-protocol version ${version}`);
  const keys = frames(key, 8, 'key');
  const values = frames(value, 0, 'value');
  if (keys.length === 0) throw new DecodeProblem('truncated', 'key without events');
  if (keys.length !== values.length) {
    throw new DecodeProblem('truncated', `${keys.length} keys but ${values.length} values`);
  }
  return keys.map((frame, i) => ({ key: frame, value: values[i] as Buffer }));
}

function frames(bytes: Buffer, start: number, what: string): Buffer[] {
  const list: Buffer[] = [];
  for (let at = start; at < bytes.length;) {
    if (bytes.length - at < 8) throw new DecodeProblem('truncated', `${what} ends inside a length`);
    const length = bytes.readBigUInt64BE(at);
    at += 8;
    if (length > BigInt(bytes.length - at)) {
      throw new DecodeProblem('truncated', `${what} frame of ${length} bytes runs past the end`);
    }
    list.push(bytes.subarray(at, at + Number(length)));
    at += Number(length);
  }
  return list;
}

/**
 * Undoes `large-message-handle-compression`, which compresses each value JSON inside its frame (2.1). LZ4 has a magic
 * number. A snappy block has none, but cannot begin with `{"`: after the length 123 (`{`) the byte 0x22 (`"`) would be a
 * copy from before the start. @throws DecodeProblem
 */
export function plainJson(value: Buffer): Buffer {
  if (value[0] === 0x7b && value[1] === 0x22) return value;
  if (value.length >= 4 && value.readUInt32LE(0) === LZ4_MAGIC) {
    try {
      return decompressFrameSync(value);
    } catch (error) {
      throw new DecodeProblem('malformed', `bad LZ4 frame: ${errorMessage(error)}`, error);
    }
  }
  if (value[0] === 0x7b && value[1] === 0x7d) return value;
  return snappyBlock(value);
}
