import type { FormatName } from '../../config/spec.js';
import { createDrainerDecoder } from './drainer.js';
import { createMongoChangeStreamDecoder } from './mongo-change-stream.js';
import { createMongoShakeDecoder } from './mongoshake.js';
import { createOpenProtocolDecoder } from './open-protocol.js';
import type { DecoderFactory } from './problem.js';

export type { DecoderFactory, DecoderOptions } from './problem.js';
export { applyPatch, applyPatches } from './mongo-patch.js';
export { sniffFormat } from './sniff.js';
export type { FormatGuess, Sample } from './sniff.js';

const DECODERS: Partial<Record<FormatName, DecoderFactory>> = {
  drainer: createDrainerDecoder,
  'open-protocol': createOpenProtocolDecoder,
  mongoshake: createMongoShakeDecoder,
  'mongo-change-stream': createMongoChangeStreamDecoder,
};

/** The decoder factory of a format that is decoded record by record; undefined for formats that DuckDB reads as text. */
export function decoderFactory(format: FormatName): DecoderFactory | undefined {
  return DECODERS[format];
}
