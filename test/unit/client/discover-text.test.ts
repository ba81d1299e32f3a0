import { describe, expect, it } from 'vitest';
import { sniffFormat } from '../../../changelog/decoders/sniff.js';
import { discoverLines } from '../../../client/discover-text.js';

const record = (value: string): { key: null; value: Buffer } => ({ key: null, value: Buffer.from(value) });
const guesses = sniffFormat([record('{"a":1}'), record('{"a":2}')]);

describe('what discover says of a topic', () => {
  // "(50 %)" without a word made people think that half of their records are broken.
  it('explains how sure it is of the format', () => {
    const text = discoverLines('clicks', 2, guesses, []).join('\n');
    expect(text).toMatch(/format .*json.*, \d+ % sure: 2 of 2/);
    expect(text).toContain('the share of the records that look like it');
    expect(text).not.toContain('read already');
  });

  // Whoever discovers a topic that is configured would land it twice.
  it('names the tables that read the topic already', () => {
    expect(discoverLines('clicks', 2, guesses, ['stat_click']).join('\n')).toMatch(
      /read already.*stat_click.*tributary status stat_click/,
    );
  });
});
