import { DecodeProblem } from './problem.js';

/** No producer here sends more: MongoDB documents end at 16 MiB, Kafka records of TiCDC at max-message-bytes. */
const MAX_LENGTH = 1 << 30;

/** Snappy's block format (github.com/google/snappy, format_description.txt), without framing. @throws DecodeProblem */
export function snappyBlock(input: Buffer): Buffer {
  let at = 0;
  const byte = (): number => {
    if (at >= input.length) throw new DecodeProblem('truncated', 'snappy block ends early');
    return input[at++] as number;
  };
  const little = (count: number): number => {
    let value = 0;
    for (let i = 0; i < count; i++) value += byte() * 2 ** (8 * i);
    return value;
  };
  const length = varint(byte);
  if (length > MAX_LENGTH || length > input.length * 64 + 64) {
    // A copy of 64 bytes costs at least two: nothing real expands further.
    throw new DecodeProblem('malformed', `snappy block claims ${length} bytes`);
  }
  const output = Buffer.allocUnsafe(length);
  let end = 0;
  while (at < input.length) {
    const tag = byte();
    if ((tag & 3) === 0) {
      const short = tag >> 2;
      const count = (short < 60 ? short : little(short - 59)) + 1;
      if (count > input.length - at) throw new DecodeProblem('truncated', 'snappy literal ends early');
      if (count > length - end) throw new DecodeProblem('malformed', 'snappy block is longer than it says');
      input.copy(output, end, at, at + count);
      at += count;
      end += count;
    } else {
      const [count, offset] = copyElement(tag, byte, little);
      if (offset === 0 || offset > end)
        throw new DecodeProblem('malformed', 'snappy copy from before the start');
      if (count > length - end) throw new DecodeProblem('malformed', 'snappy block is longer than it says');
      // Source and target may overlap: that is how snappy writes runs.
      for (let i = 0; i < count; i++, end++) output[end] = output[end - offset] as number;
    }
  }
  if (end !== length) throw new DecodeProblem('truncated', 'snappy block is shorter than it says');
  return output;
}

function varint(byte: () => number): number {
  let value = 0;
  for (let shift = 0; shift < 5; shift++) {
    const next = byte();
    value += (next & 0x7f) * 2 ** (7 * shift);
    if (next < 0x80) return value;
  }
  throw new DecodeProblem('malformed', 'snappy length longer than five bytes');
}

function copyElement(tag: number, byte: () => number, little: (count: number) => number): [number, number] {
  if ((tag & 3) === 1) return [((tag >> 2) & 7) + 4, ((tag >> 5) << 8) | byte()];
  return [(tag >> 2) + 1, little((tag & 3) === 2 ? 2 : 4)];
}
