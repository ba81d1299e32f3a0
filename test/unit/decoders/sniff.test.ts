import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decoderFactory, sniffFormat } from '../../../changelog/decoders/index.js';
import { FORMATS } from '../../../config/spec.js';
import { fixtureCases, loadFixture } from '../../fixtures/load.js';

const WANTED: Record<string, string> = {
  'canal-json': 'canal-json',
  debezium: 'debezium',
  drainer: 'drainer',
  maxwell: 'maxwell',
  'mongo-source': 'mongo-change-stream',
  'mongoshake-bson': 'mongoshake',
  'mongoshake-json': 'mongoshake',
  'mongoshake-json-ext': 'mongoshake',
  'mongoshake-raw': 'mongoshake',
  'ticdc-canal-json': 'canal-json',
  'ticdc-open': 'open-protocol',
};

describe.each(Object.entries(WANTED))('sniffFormat of %s', (directory, format) => {
  it.each(fixtureCases(directory))('%s', (name) => {
    const [guess] = sniffFormat(loadFixture(directory, name).messages);
    expect(guess).toMatchObject({ format, confidence: 1 });
    if (directory.startsWith('mongoshake')) {
      const message = directory.split('-')[1];
      expect(guess?.options).toEqual({ message });
    }
  });
});

const text = (value: unknown) => ({
  key: null,
  value: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
});
const first = (...values: unknown[]) => sniffFormat(values.map(text))[0];

describe('sniffFormat', () => {
  it('tells the dialects of canal-json apart', () => {
    const why = (directory: string, name: string) =>
      sniffFormat(loadFixture(directory, name).messages)[0]?.why;
    expect(why('ticdc-canal-json', 'multi_table')).toMatch(/TiDB extension: commitTs/);
    expect(why('ticdc-canal-json', 'multi_table__noext')).toMatch(/no exact order/);
    expect(why('canal-json', 'multi_row')).toMatch(/Alibaba/);
  });

  it('says whether Debezium sends its schema', () => {
    const why = (name: string) => sniffFormat(loadFixture('debezium', name).messages)[0]?.why;
    expect(why('no_key')).toMatch(/without schema/);
    expect(why('no_key__schema')).toMatch(/with its schema/);
  });

  it('knows Filebeat with plain and JSON lines, and its raw codec as text', () => {
    const [json] = sniffFormat(loadFixture('filebeat', 'json_keys_under_root').messages);
    expect(json?.format).toBe('filebeat');
    const [plain] = sniffFormat(loadFixture('filebeat', 'plain_lines').messages);
    expect(plain).toMatchObject({ format: 'filebeat', options: { message: 'text' } });
    const line = {
      '@timestamp': '2024-03-01T00:00:00.000Z',
      '@metadata': { beat: 'filebeat' },
      message: '{"a":1}',
    };
    expect(first(line)).toMatchObject({ format: 'filebeat', options: { message: 'json' } });
    expect(sniffFormat(loadFixture('filebeat', 'raw_codec').messages)[0]?.format).toBe('text');
  });

  it('knows Avro of a schema registry, plain JSON and plain text', () => {
    const avro = Buffer.concat([Buffer.from([0, 0, 0, 0, 42]), Buffer.from([2, 14, 0x80, 1])]);
    expect(sniffFormat([{ key: null, value: avro }])[0]?.format).toBe('debezium-avro');
    expect(first({ uid: 7, '@timestamp': 'x' })).toMatchObject({ format: 'json', confidence: 0.5 });
    expect(first('42', '"text"', '[1]', 'GET / 200')?.format).toBe('text');
  });

  it('says that the simple protocol of TiCDC is not supported', () => {
    const [guess] = sniffFormat(loadFixture('ticdc-simple', 'types_int').messages);
    expect(guess).toMatchObject({ format: 'json', confidence: 0.2 });
    expect(guess?.why).toMatch(/simple protocol/);
  });

  it('weighs a mixed topic by its shares, and ignores tombstones', () => {
    const guesses = sniffFormat([
      ...loadFixture('maxwell', 'multi_row').messages.slice(0, 3),
      text('hello'),
      { key: Buffer.from('k'), value: null },
    ]);
    expect(guesses.map(({ format, confidence }) => [format, confidence])).toEqual([
      ['maxwell', 0.75],
      ['text', 0.13],
    ]);
    expect(sniffFormat([{ key: null, value: null }])).toEqual([]);
    expect(sniffFormat([])).toEqual([]);
  });

  it('never throws', () => {
    const bytes = fc.option(
      fc.uint8Array({ maxLength: 60 }).map((list) => Buffer.from(list)),
      { nil: null },
    );
    fc.assert(
      fc.property(bytes, bytes, (key, value) => {
        sniffFormat([{ key, value }]);
      }),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.json(), (json) => {
        sniffFormat([text(json)]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('decoderFactory', () => {
  it('has the formats that are not text', () => {
    const binary = ['drainer', 'open-protocol', 'mongoshake', 'mongo-change-stream'];
    expect(FORMATS.filter((format) => decoderFactory(format) !== undefined)).toEqual(binary);
  });
});
