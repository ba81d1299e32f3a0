import { describe, expect, it } from 'vitest';
import { inferColumns } from '../../../client/infer-columns.js';

describe('columns proposed for a log', () => {
  it('keep ids beyond 2^53 as bigint and never look at them as floats', () => {
    const { columns } = inferColumns(['{"id":9007199254740993,"ratio":0.5,"ok":true}', '{"id":1,"ratio":1}']);
    expect(columns).toEqual([
      { name: 'id', type: 'bigint', path: '$.id' },
      { name: 'ratio', type: 'double', path: '$.ratio' },
      { name: 'ok', type: 'boolean', path: '$.ok' },
    ]);
  });

  it('become text where records disagree, so that no record is refused', () => {
    expect(inferColumns(['{"v":1}', '{"v":"x"}']).columns[0]!.type).toBe('string');
  });

  it('open objects and quote keys that need it', () => {
    const { columns } = inferColumns(['{"props":{"课程":"数学","a-b":1,"deep":{"x":1}}}']);
    expect(columns.map(({ path }) => path)).toEqual(['$.props.课程', '$.props."a-b"', '$.props.deep']);
    expect(new Set(columns.map(({ name }) => name)).size).toBe(3);
    for (const { name } of columns) expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
  });

  it('leave out the event time, which becomes event_time, only if every record has it', () => {
    expect(inferColumns(['{"@timestamp":"2026-01-01T00:00:00Z","a":1}']).timePath).toBe('$."@timestamp"');
    expect(inferColumns(['{"ts":1767225600000}', '{"a":1}']).timePath).toBeUndefined();
  });

  it('do not clash with the columns that Tributary adds', () => {
    const { columns } = inferColumns(['{"event_time":"x","kafka_offset":1,"dt":"y"}']);
    expect(columns.map(({ name }) => name)).toEqual(['event_time_', 'kafka_offset_', 'dt_']);
  });
});
