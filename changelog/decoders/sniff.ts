import { isTributaryError } from '../../common/errors.js';
import type { FormatName } from '../../config/spec.js';
import type { RecordDecoder } from '../types.js';
import { looksLikeBson, readBson } from './bson-read.js';
import { tryUtf8 } from './bytes.js';
import { createDrainerDecoder } from './drainer.js';
import { openFrames, plainJson } from './open-frames.js';
import { rawLogs } from './mongoshake-raw.js';
import type { DecoderOptions } from './problem.js';
import { DecodeProblem } from './problem.js';
import type { Clue } from './sniff-clue.js';
import { jsonClue } from './sniff-json.js';

export interface Sample {
  key: Buffer | null;
  value: Buffer | null;
}

export interface FormatGuess {
  format: FormatName;
  /** 0 to 1: share of the sampled values that fit, times how telling they are. */
  confidence: number;
  /** The facts, for a person to judge. */
  why: string;
  options?: DecoderOptions;
}

/**
 * Names the format of a topic from some of its records, the likeliest first; empty if no value says anything. Records
 * without a value (tombstones) say nothing.
 */
export function sniffFormat(samples: readonly Sample[]): FormatGuess[] {
  const values = samples.filter((sample) => sample.value !== null && sample.value.length > 0);
  const clues = values.map((sample) => clueOf(sample)).filter((clue) => clue !== null);
  const formats = [...new Set(clues.map((clue) => clue.format))];
  return formats
    .map((format) =>
      guess(
        format,
        clues.filter((clue) => clue.format === format),
        values.length,
      ),
    )
    .sort((a, b) => b.confidence - a.confidence);
}

function guess(format: FormatName, clues: Clue[], total: number): FormatGuess {
  const weight = clues.reduce((sum, clue) => sum + clue.weight, 0);
  const reasons = tally(clues.map((clue) => clue.why)).map(([why, count]) => `${count} of ${total}: ${why}`);
  const result: FormatGuess = {
    format,
    confidence: Math.round((weight / total) * 100) / 100,
    why: reasons.join('; '),
  };
  const options = mergedOptions(clues);
  if (Object.keys(options).length > 0) result.options = options;
  return result;
}

function tally<T>(items: T[]): [T, number][] {
  const counts = new Map<T, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}

/** The value of each option that most records ask for. */
function mergedOptions(clues: Clue[]): Record<string, string | number | boolean> {
  const options: Record<string, string | number | boolean> = {};
  const names = new Set(clues.flatMap((clue) => Object.keys(clue.options ?? {})));
  for (const name of names) {
    const wanted = clues.map((clue) => clue.options?.[name]).filter((value) => value !== undefined);
    const [best] = tally(wanted);
    if (best !== undefined) options[name] = best[0];
  }
  return options;
}

function clueOf({ key, value }: Sample): Clue | null {
  if (value === null) return null;
  for (const look of [openProtocol, mongoShakeRaw, bson, drainer, avro, textual, compressed]) {
    const clue = look(value, key);
    if (clue !== null) return clue;
  }
  return null;
}

/** The result of a reader, or null if it refuses the bytes. */
function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof DecodeProblem || isTributaryError(error, 'RecordUndecodable')) return null;
    throw error;
  }
}

function openProtocol(value: Buffer, key: Buffer | null): Clue | null {
  if (key === null) return null;
  const frames = attempt(() => openFrames(key, value));
  if (frames === null || frames[0]?.key[0] !== 0x7b) return null;
  return { format: 'open-protocol', weight: 1, why: 'key frames of version 1, one for each value frame' };
}

function mongoShakeRaw(value: Buffer): Clue | null {
  const logs = attempt(() => rawLogs(value));
  if (logs === null) return null;
  const why = logs.length > 0 ? 'raw, header and checksum are right' : 'raw, a part of a batch or a probe';
  return { format: 'mongoshake', weight: 1, why, options: { message: 'raw' } };
}

function bson(value: Buffer): Clue | null {
  const document = looksLikeBson(value) ? attempt(() => readBson(value)) : null;
  if (document === null) return null;
  if (document.has('operationType')) {
    return { format: 'mongo-change-stream', weight: 1, why: 'a change stream event in BSON' };
  }
  if ((document.has('op') && document.has('ns')) || document.has('parsedlog')) {
    return { format: 'mongoshake', weight: 1, why: 'an oplog entry in BSON', options: { message: 'bson' } };
  }
  return null;
}

const decodeDrainer: RecordDecoder = createDrainerDecoder({ invalidText: 'hex' });

function drainer(value: Buffer): Clue | null {
  const record = { key: null, value, partition: 0, offset: 0, timestamp: 0 };
  const decoded = attempt(() => decodeDrainer(record));
  return decoded === null ? null : { format: 'drainer', weight: 1, why: 'a TiDB binlog in protobuf' };
}

/** Schema ids are handed out one by one; a registry with millions of schemas would be new. */
const MAX_SCHEMA_ID = 50_000_000;

function avro(value: Buffer): Clue | null {
  if (value.length < 6 || value[0] !== 0) return null;
  const id = value.readUInt32BE(1);
  if (id === 0 || id > MAX_SCHEMA_ID) return null;
  return {
    format: 'debezium-avro',
    weight: 0.8,
    why: `magic byte 0 and schema id ${id}: Avro of a schema registry, which must be asked whose`,
  };
}

function textual(value: Buffer): Clue | null {
  const text = tryUtf8(value);
  if (text === null) return null;
  const clue = jsonClue(text);
  if (clue !== null) return clue;
  // Control characters other than white space do not occur in lines of text; escapes of terminals do.
  // eslint-disable-next-line no-control-regex
  if (/[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(text)) return null;
  return { format: 'text', weight: 0.5, why: 'UTF-8 text that is not a JSON object' };
}

/** TiCDC may compress canal-json values itself (large-message-handle-compression). */
function compressed(value: Buffer): Clue | null {
  const text = attempt(() => tryUtf8(plainJson(value)));
  const clue = text === null ? null : jsonClue(text);
  if (clue?.format !== 'canal-json') return null;
  return { ...clue, why: `${clue.why}; the value is compressed by TiCDC` };
}
