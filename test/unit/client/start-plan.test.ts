import { describe, expect, it } from 'vitest';
import { configDifferences } from '../../../client/diff.js';
import { changeLines, relevant } from '../../../client/start-plan.js';
import { columnFates } from '../../../warehouse/column-fates.js';
import { tableSpec } from '../changelog/landing.js';

const id = { name: 'id', type: 'bigint', path: '$.id' };
const text = { name: 'text', type: 'string', path: '$.text' };
const settings = {
  ...{ flushMs: 60_000, maxRecords: 2, splitBytes: 128 << 20, parallelism: 4 },
  compaction: { targetBytes: 5, minFiles: 6 },
};
const running = { spec: tableSpec({ columns: [id, text], latenessSeconds: 600 }), settings };
const changed = (spec: Partial<typeof running.spec>, more = {}) =>
  configDifferences(running, { spec: { ...running.spec, ...spec }, settings: { ...settings, ...more } });

describe('what start says of a changed config', () => {
  it('has the names and units of the file: nobody finds spec.latenessSeconds there', () => {
    expect(changed({ latenessSeconds: 7_200 })).toEqual([{ path: 'lateness', before: '10m', after: '2h' }]);
    expect(changed({ topic: 'other' })[0]!.path).toBe('from.topic');
    expect(changed({ schemaChange: 'fail' })[0]!.path).toBe('schema_change');
    expect(changed({ quarantine: { maxRecords: 7 } })).toEqual([
      { path: 'quarantine.max_records', before: undefined, after: 7 },
    ]);
    expect(changed({ eventTime: { ...running.spec.eventTime, path: '$.at' } })[0]!.path).toBe('time.path');
    expect(changed({ rename: { eventTime: 'event_time_1' } })[0]!.path).toBe('rename.eventTime');
    const snapshot = { every: 'day', engine: 'auto', keep: 4, keepMonthEnds: true, late: 'next' } as const;
    expect(changed({ snapshot })[0]).toMatchObject({ path: 'snapshot', after: { keep_month_ends: true } });
    expect(changed({}, { flushMs: 30_000, splitBytes: 64 << 20 })).toEqual([
      { path: 'ingest.flush.interval', before: '1m', after: '30s' },
      { path: 'ingest.split_size', before: '128MiB', after: '64MiB' },
    ]);
  });

  it('has the order of columns only where those that stay have moved', () => {
    const c = { name: 'c', type: 'int', path: '$.c' };
    expect(changed({ columns: [c, id, text] })).toEqual([
      { path: 'columns.c', before: undefined, after: { type: 'int', path: '$.c' } },
    ]);
    expect(changed({ columns: [text, id] })).toEqual([
      { path: 'columns (order)', before: 'id, text', after: 'text, id' },
    ]);
  });

  it('has under each column what becomes of it', () => {
    const columns = [
      { ...id, type: 'array<bigint>' },
      { ...text, type: 'double' },
    ];
    const hive = [id, text, { name: 'older', type: 'int' }].map(({ name, type }) => ({ name, type }));
    const fates = relevant(columnFates(hive, columns), running.spec);
    // `older` was taken out long ago: it is no part of this change.
    expect(fates.map(({ column }) => column)).toEqual(['id', 'text']);
    const lines = changeLines(changed({ columns }), fates);
    expect(lines[0]).toContain('columns.id.type: "bigint" -> "array<bigint>"');
    expect(lines[1]).toContain('refused');
    expect(lines[2]).toContain('columns.text.type');
    expect(lines[3]).toContain('not changed: it stays string in Hive');
    expect(lines).toHaveLength(4);
  });
});
