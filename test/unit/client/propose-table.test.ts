import { describe, expect, it } from 'vitest';
import { proposeTable } from '../../../client/propose-table.js';
import { parseConfig } from '../../../config/load.js';

const record = (value: string) => ({
  partition: 0,
  offset: 0,
  timestamp: 0,
  key: null,
  value: Buffer.from(value),
});

const config = (tables: string): string => `kafka: { main: { brokers: ['localhost:9092'] } }
warehouse: { catalog: { kind: none }, storage: { kind: file, root: ./data } }
tables:
${tables.replace(/^/gm, '  ')}
`;

describe('the config that discover proposes', () => {
  it('is valid as it stands for a log, so that a new user gets a table by pasting it', () => {
    const yaml = proposeTable({
      kafka: undefined,
      topic: 'Stat.Click-log',
      records: [record('{"@timestamp":"2026-01-01T00:00:00Z","id":1,"props":{"课程":"数学"}}')],
      guess: { format: 'json', confidence: 1, why: '' },
    });
    expect(yaml).toContain('{ name: id, type: bigint, path: $.id }');
    const { config: loaded } = parseConfig(config(yaml), 'proposed.yaml', { env: {} });
    expect(loaded.tables[0]!.columns).toHaveLength(2);
  });

  it('uses the Kafka timestamp where no field is a time in every record', () => {
    const yaml = proposeTable({
      kafka: 'main',
      topic: 't',
      records: [record('{"id":1}')],
      guess: { format: 'json', confidence: 1, why: '' },
    });
    expect(parseConfig(config(yaml), 'proposed.yaml', { env: {} }).config.tables[0]!.time).toMatchObject({
      from: 'kafka',
    });
  });
});
