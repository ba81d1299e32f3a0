import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';

import { canalJson } from '../../../changelog/formats/canal-json.js';
import { SpoolLines, spoolBlocks, spoolRows } from '../../../changelog/spool.js';
import type { FindRepeated } from '../../../changelog/repeated-text.js';
import type { RecordBlock } from '../../../kafka/types.js';
import { Duck } from '../../../warehouse/duckdb.js';
import { recordBlocks, type TestRecord } from './landing.js';

const directories: string[] = [];
afterAll(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true }))));

interface Row {
  p: string;
  o: string;
  ts: string;
  key: string | null;
  value: string | null;
}

async function spooled(records: TestRecord[], perBlock: number, repeated?: FindRepeated) {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-spool-'));
  directories.push(directory);
  const blocks = (async function* (): AsyncGenerator<RecordBlock> {
    await Promise.resolve();
    yield* recordBlocks(records, perBlock);
  })();
  const spool = await spoolBlocks(blocks, directory, repeated && { repeated });
  const duck = await Duck.open({ threads: 1, memoryLimitMb: 512, tempDirectory: join(directory, 'duck') });
  const read = (rows: string, value: string) =>
    duck.rows<Row>(`SELECT p, o, ts, hex(key) AS key, ${value} AS value FROM ${rows}`);
  const lines = await read(new SpoolLines(spool).rows(), 'hex(encode(value))');
  const odd = await read(spoolRows(spool.oddPath), 'hex(value)');
  const short = repeated ? await read(new SpoolLines(spool).short(), 'value') : [];
  duck.close();
  return { spool, lines, odd, short };
}

const hex = (value: Buffer | string | null | undefined) =>
  value === null || value === undefined ? null : Buffer.from(value).toString('hex').toUpperCase();

describe('the spool keeps what Kafka gave', () => {
  it('every byte of keys and values, in order, over pages and row groups', async () => {
    const records: TestRecord[] = Array.from({ length: 5000 }, (_, i) => ({
      value:
        i % 50 === 0
          ? null
          : i % 41 === 0
            ? Buffer.from([0xc3, i % 256, 0xff])
            : `line ${i}\n\r\u0000\u001f中${'y'.repeat(i % 300)}`,
      key: i % 3 === 0 ? null : i % 7 === 0 ? '' : Buffer.from([i % 256, 0xff]),
      offset: 2 ** 40 + i * 3,
      timestamp: i % 11 === 0 ? -1 : 1709251200000 + i,
    }));
    const { spool, lines, odd } = await spooled(records, 333);
    const all = [...lines, ...odd].sort((a, b) => Number(a.o) - Number(b.o));
    expect(all).toEqual(
      records.map((r) => ({
        p: '0',
        o: String(r.offset),
        ts: String(r.timestamp),
        key: hex(r.key),
        value: hex(r.value),
      })),
    );
    expect([spool.records, spool.lines + spool.odd]).toEqual([5000, 5000]);
    expect(lines.map((row) => Number(row.o))).toEqual(
      lines.map((row) => Number(row.o)).sort((a, b) => a - b),
    );
  });

  it('a character cut between two records makes neither of them text, though together they would be', async () => {
    const whole = Buffer.from('中');
    const { lines, odd } = await spooled(
      [{ value: 'a' }, { value: whole.subarray(0, 2) }, { value: whole.subarray(2) }, { value: 'b' }],
      10,
    );
    expect(lines.map((row) => row.value)).toEqual([hex('a'), hex('b')]);
    expect(odd).toHaveLength(2);
  });

  it('values larger than a page', async () => {
    const big = 'é'.repeat(5 << 20);
    const { lines } = await spooled([{ value: 'a' }, { value: big }, { value: 'b' }], 2);
    expect(lines.map((row) => row.value!.length / 2)).toEqual([1, Buffer.byteLength(big), 1]);
  });

  it('nothing at all', async () => {
    const { spool, lines, odd } = await spooled([], 2);
    expect([spool.records, lines, odd]).toEqual([0, [], []]);
  });

  it('a text that records repeat is cut out of them, and they can be had whole', async () => {
    const types = (n: number) =>
      `"sqlType":{"a":12,"b":${n}},"mysqlType":{"a":"enum('}','\\"{')","b":"int"},`;
    const records: TestRecord[] = Array.from({ length: 3000 }, (_, i) => {
      const name = `表${'x'.repeat(i % 3)}`;
      // More texts than are remembered, and records that have none.
      const text = i % 7 === 0 ? '' : types(i % 1000 === 1 ? i : Math.floor(i / 1000));
      const value = `{"id":0,"table":"${name}",${text}"data":[{"a":"${'é'.repeat(i % 5)}","b":"\\"sqlType\\":{"}]}`;
      return { value: i % 400 === 3 ? Buffer.concat([Buffer.from(value), Buffer.from([0xff])]) : value };
    });
    const { spool, lines, odd, short } = await spooled(records, 70, canalJson.repeated);
    expect(spool.texts).toHaveLength(4);
    const all = [...lines, ...odd].sort((a, b) => Number(a.o) - Number(b.o));
    expect(all.map(({ value }) => value)).toEqual(records.map(({ value }) => hex(value)));
    const left = short.filter(({ value }) => value!.includes('"sqlType":{')).length;
    expect(left / short.length).toBeLessThan(0.2);
    for (const { value } of short) expect(() => JSON.parse(value!) as unknown).not.toThrow();
  });
});
