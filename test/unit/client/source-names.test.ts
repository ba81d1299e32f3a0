import { describe, expect, it } from 'vitest';
import { discoverLines } from '../../../client/discover-text.js';
import { proposeTable } from '../../../client/propose-table.js';
import { sniffFormat } from '../../../changelog/decoders/sniff.js';
import { sourceNames } from '../../../changelog/source-names.js';
import { fixtureCases, loadFixture } from '../../fixtures/load.js';

const sampled = (format: string, name: string) =>
  loadFixture(format, name).messages.map(({ partition, key, value }, offset) => ({
    ...{ partition, offset, timestamp: 0, key, value },
  }));

function look(format: string, name: string) {
  const records = sampled(format, name);
  const guess = sniffFormat(records)[0]!;
  const sources = sourceNames(guess.format, guess.options ?? {}, records);
  return { records, guess, sources };
}

// A proposal with DATABASE and TABLE in it lands nothing, and the person has to read the records by hand to mend it.
describe('what discover finds of the tables of a change log', () => {
  it.each([
    ['canal-json', 'key_update'],
    ['ticdc-canal-json', 'types_time_shanghai'],
    ['maxwell', 'key_update'],
    ['debezium', 'key_update'],
    ['ticdc-open', 'key_update'],
    ['drainer', 'key_update'],
  ])('%s: its one table is in the proposal', (format, name) => {
    const { records, guess, sources } = look(format, name);
    const wanted = loadFixture(format, name).table[0]!.table;
    expect(sources.map(({ database, table }) => `${database}.${table}`)).toEqual([wanted]);
    const yaml = proposeTable({ kafka: undefined, topic: 'log', records, guess, sources });
    expect(yaml).toContain(`match: { database: ${sources[0]!.database}, table: ${sources[0]!.table} }`);
    expect(yaml).toContain('name: log');
  });

  it.each(['canal-json', 'maxwell', 'debezium', 'ticdc-open', 'drainer'])(
    '%s: of several tables each is named, with how many records it has',
    (format) => {
      const { records, guess, sources } = look(format, 'multi_table');
      const names = sources.map(({ database, table }) => `${database}.${table}`);
      const { table: tables } = loadFixture(format, 'multi_table');
      expect(names.sort()).toEqual(tables.map(({ table }) => table).sort());
      const text = discoverLines('log', records.length, [guess], [], sources).join('\n');
      for (const each of sources) expect(text).toContain(`${each.database}.${each.table} (${each.records})`);
      expect(text).toContain('Each needs an entry of its own');
    },
  );

  it('MongoDB: its collection, by the name that MongoDB has for it', () => {
    const { records, guess, sources } = look('mongoshake-json', fixtureCases('mongoshake-json')[0]!);
    const yaml = proposeTable({ kafka: undefined, topic: 'log', records, guess, sources });
    expect(yaml).toMatch(/match: \{ database: \w+, collection: \w+ \}/);
    expect(yaml).not.toContain('DATABASE');
  });

  it('nothing where records do not tell it: the places to fill in stay', () => {
    const guess = { format: 'canal-json', confidence: 1, why: '' } as const;
    const yaml = proposeTable({ kafka: undefined, topic: 'log', records: [], guess, sources: [] });
    expect(yaml).toContain('database: DATABASE, table: TABLE');
  });
});
