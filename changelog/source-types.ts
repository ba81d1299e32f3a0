import type { Duck } from '../warehouse/duckdb.js';
import type { ChangePlace, TypesAt } from './change-columns.js';
import type { ChangeSource } from './change-source.js';
import { connectSourceType, type ConnectField } from './formats/debezium-values.js';

/** Source types that the records of a textual log carry. */
export interface SourceTypes {
  at: TypesAt;
  /** Looks many places up in one pass over the records: one for each table of a large topic would read it as often. */
  load: (places: ChangePlace[]) => Promise<void>;
}

/** Reads source types from the records of a split; what was read once is kept. */
export function sourceTypes(duck: Duck, source: ChangeSource, lines: string): SourceTypes {
  const known = new Map<string, Record<string, string>>();
  const keyOf = ({ p, o }: Pick<ChangePlace, 'p' | 'o'>): string => `${p}/${o}`;
  const load: SourceTypes['load'] = async (places) => {
    const missing = places.filter((place) => !known.has(keyOf(place)));
    if (missing.length === 0) return;
    const wanted = missing.map(({ p, o }) => `(${p}, ${o})`).join(', ');
    const records = `(SELECT l.* FROM ${lines} l SEMI JOIN (VALUES ${wanted}) w(p, o) ON l.p = w.p AND l.o = w.o)`;
    const changes = source.select(records, { reading: 'careful', types: true, keys: false, raw: false });
    const rows = await duck.rows<{ p: string; o: string; types: string | null; fields: string | null }>(
      `SELECT p::VARCHAR AS p, o::VARCHAR AS o, types, fields FROM (${changes}) WHERE idx = 0`,
    );
    for (const row of rows) known.set(keyOf(row), typesOf(row));
  };
  return {
    load,
    at: async (place) => {
      await load([place]);
      return known.get(keyOf(place)) ?? {};
    },
  };
}

function typesOf(row: { types: string | null; fields: string | null }): Record<string, string> {
  const fields = JSON.parse(row.fields ?? '[]') as ConnectField[];
  if (fields.length > 0)
    return Object.fromEntries(fields.map((field) => [field.field, connectSourceType(field)]));
  const told = Object.entries(JSON.parse(row.types ?? '{}') as Record<string, unknown>);
  return Object.fromEntries(told.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
