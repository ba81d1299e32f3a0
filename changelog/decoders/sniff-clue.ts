import type { FormatName } from '../../config/spec.js';
import type { DecoderOptions } from './problem.js';

/** What one record says about its format. */
export interface Clue {
  format: FormatName;
  /** How telling it is, 0 to 1. */
  weight: number;
  why: string;
  options?: DecoderOptions;
}
