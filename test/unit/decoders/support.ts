import { expect } from 'vitest';
import type { TributaryError } from '../../../common/errors.js';
import { isTributaryError } from '../../../common/errors.js';
import type { CanonicalChange, DecodedRecord, RecordDecoder, RowImage } from '../../../changelog/types.js';
import type { Fixture, FixtureMessage } from '../../fixtures/load.js';

/** A record around a value; offset 0 of partition 0. */
export function record(value: Buffer | null, more: { key?: Buffer | null; offset?: number } = {}) {
  return {
    key: more.key ?? null,
    value,
    partition: 0,
    offset: more.offset ?? 0,
    timestamp: 1_700_000_000_000,
  };
}

/** Decodes all messages of a fixture, each at the next offset of its partition. */
export function decodeFixture(
  decoder: RecordDecoder,
  messages: FixtureMessage[],
): { message: FixtureMessage; result: DecodedRecord }[] {
  const offsets = new Map<string, number>();
  return messages.map((message) => {
    const partition = `${message.topic}/${message.partition}`;
    const offset = offsets.get(partition) ?? 0;
    offsets.set(partition, offset + 1);
    const { key, value } = message;
    const result = decoder({
      key,
      value,
      partition: message.partition,
      offset,
      timestamp: 1_700_000_000_000,
    });
    return { message, result };
  });
}

export function undecodable(decode: () => unknown): TributaryError {
  try {
    decode();
  } catch (error) {
    if (isTributaryError(error, 'RecordUndecodable')) return error;
    throw error;
  }
  throw new Error('expected RecordUndecodable, got a result');
}

/** Decodes or throws RecordUndecodable: nothing else may come out of a decoder, whatever the bytes. */
export function decodesOrRefuses(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    if (!isTributaryError(error, 'RecordUndecodable')) throw error;
  }
}

const bigOr = (value: bigint | null): bigint => value ?? -1n;

/** Order of design 6: (cdc_ts, cdc_seq). */
export function sortChanges(changes: CanonicalChange[]): CanonicalChange[] {
  return [...changes].sort((a, b) => {
    const [x, y] = a.ts === b.ts ? [a.seq, b.seq] : [bigOr(a.ts), bigOr(b.ts)];
    return x < y ? -1 : x > y ? 1 : 0;
  });
}

/** The tables after all changes, newest (ts, seq) per key. Keys come from the fixture. */
export function finalRows(changes: CanonicalChange[], fixture: Fixture): Record<string, RowImage[]> {
  const tables = new Map<string, Map<string, RowImage>>();
  for (const change of sortChanges(changes)) {
    const name = `${change.database}.${change.table}`;
    const keys = fixture.table.find((entry) => entry.table === name)?.key ?? [];
    const rows = tables.get(name) ?? new Map<string, RowImage>();
    tables.set(name, rows);
    const key = JSON.stringify(keys.map((column) => change.row[column]));
    rows.delete(key);
    if (change.op !== 'd') rows.set(key, change.row);
  }
  return Object.fromEntries([...tables].map(([name, rows]) => [name, [...rows.values()]]));
}

const FLOAT = /^(float|double)/;

/** A row with what may differ in notation (floats, JSON, decimals' text) made comparable. */
export function comparable(row: RowImage | null, types: Record<string, string>): RowImage | null {
  if (row === null) return null;
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      const type = types[name] ?? '';
      if (value === null) return [name, null];
      if (FLOAT.test(type))
        return [name, String(type.startsWith('float') ? Math.fround(Number(value)) : Number(value))];
      return [name, value];
    }),
  );
}

/** Checks final_rows of a fixture, in any order of rows. Not after DDL: dropping rows for it is not a decoder's work. */
export function expectFinalRows(changes: CanonicalChange[], fixture: Fixture): void {
  if (fixture.final_rows === undefined || fixture.expected.some((entry) => entry.op === 'ddl')) return;
  const got = finalRows(changes, fixture);
  for (const [name, rows] of Object.entries(fixture.final_rows as Record<string, RowImage[]>)) {
    const types = columnTypes(fixture, name);
    const shown = (list: RowImage[]) => list.map((row) => comparable(row, types));
    const sorted = (list: (RowImage | null)[]) =>
      list
        .map((row) => JSON.stringify(Object.entries(row ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))))
        .sort();
    expect(sorted(shown(got[name] ?? [])), `final rows of ${name}`).toEqual(sorted(shown(rows)));
  }
}

export function columnTypes(fixture: Fixture, table: string): Record<string, string> {
  const columns = fixture.table.find((entry) => entry.table === table)?.columns ?? [];
  return Array.isArray(columns)
    ? Object.fromEntries(columns.map((column) => [column.name, column.type]))
    : {};
}
