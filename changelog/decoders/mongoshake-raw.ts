import { gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import { errorMessage } from '../../common/errors.js';
import { looksLikeBson } from './bson-read.js';
import { crc32 } from './crc32.js';
import { DecodeProblem } from './problem.js';
import { snappyBlock } from './snappy-block.js';

/*
 * MongoShake's `raw` tunnel message (change-log-formats 4.3), big-endian:
 *   checksum(4) tag(4) shard(4) compress(4) count(4), then count x [ length(4) log(length) ]
 * checksum is the XOR of CRC32-IEEE of every log as sent, each log one BSON oplog document, perhaps compressed.
 */

const HEADER = 20;
/** All bits that a tag may have: retransmission, probe, resident, persistent, storage backend. */
const TAG_BITS = 0x00011111;
const TAG_PROBE = 0x10;
/** A log is an oplog entry: 16 MiB and a little around it. */
const MAX_LOG = 64 << 20;

/** True if the header can be one of `raw`. JSON and BSON cannot: their bytes 4 to 7 are no tag. */
export function looksLikeRaw(value: Buffer): boolean {
  return value.length >= HEADER && (value.readUInt32BE(4) & ~TAG_BITS) === 0 && value.readUInt32BE(12) <= 4;
}

/**
 * The oplog documents of one record as BSON. Empty for a prefix: since v2.4.21 MongoShake sends its growing buffer
 * after every log of a batch, and only the last of those records has all `count` logs; the others repeat what it says.
 * @throws DecodeProblem
 */
export function rawLogs(value: Buffer): Buffer[] {
  if (value.length < HEADER) throw new DecodeProblem('truncated', 'raw message shorter than its header');
  if (!looksLikeRaw(value)) throw new DecodeProblem('malformed', 'not the header of a raw message');
  const [checksum, tag, compress] = [value.readUInt32BE(0), value.readUInt32BE(4), value.readUInt32BE(12)];
  const count = value.readUInt32BE(16);
  if ((tag & TAG_PROBE) !== 0) return [];
  const logs: Buffer[] = [];
  let at = HEADER;
  while (logs.length < count && at < value.length) {
    if (value.length - at < 4) throw new DecodeProblem('truncated', 'raw message ends inside a length');
    const length = value.readUInt32BE(at);
    at += 4;
    if (length > value.length - at)
      throw new DecodeProblem('truncated', `raw log of ${length} bytes runs past the end`);
    logs.push(value.subarray(at, at + length));
    at += length;
  }
  if (at < value.length) throw new DecodeProblem('malformed', 'bytes after the last log of a raw message');
  if (logs.length === 0) throw new DecodeProblem('truncated', 'raw message without logs');
  if (logs.length < count) return [];
  const sum = logs.reduce((xor, log) => (xor ^ crc32(log)) >>> 0, 0);
  if (sum !== checksum)
    throw new DecodeProblem('bad-checksum', 'checksum of the raw message does not match its logs');
  return logs.map((log) => decompress(log, compress));
}

function decompress(log: Buffer, method: number): Buffer {
  // MongoShake with snappy says so in the header but sends the logs as they are (fixture update_set_unset__snappy, from
  // its own code). No compressed stream begins with its own length and ends in zero as BSON does.
  if (looksLikeBson(log)) return log;
  const limit = { maxOutputLength: MAX_LOG };
  try {
    switch (method) {
      case 0:
        return log;
      case 1:
        return gunzipSync(log, limit);
      case 2:
        return snappyBlock(log);
      case 3:
        return inflateSync(log, limit);
      default:
        return inflateRawSync(log, limit);
    }
  } catch (error) {
    if (error instanceof DecodeProblem) throw error;
    throw new DecodeProblem('malformed', `raw log does not decompress: ${errorMessage(error)}`, error);
  }
}
