import { describe, expect, it } from 'vitest';
import { diffValues } from '../../../client/diff.js';
import { tableSpec } from '../changelog/landing.js';

type Json = Record<string, unknown>;

/** Paths of all values in it that are no objects. */
function leaves(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, child]) => leaves(child, [...path, name]));
}

function changed(root: unknown, path: string[]): unknown {
  const copy = structuredClone(root) as Json;
  let at = copy;
  for (const name of path.slice(0, -1)) at = at[name] as Json;
  const last = path.at(-1)!;
  at[last] = typeof at[last] === 'number' ? at[last] + 1 : `not ${String(at[last])}`;
  return copy;
}

const running = {
  spec: tableSpec({
    columns: [
      { name: 'id', type: 'bigint', path: '$.id' },
      { name: 'text', type: 'string', path: '$.text' },
    ],
    key: ['id'],
    rename: { Ordinal: 'ordinal_1' },
    quarantine: { maxRecords: 10, maxShare: 0.5 },
    match: { database: 'shop', table: 'orders' },
    snapshot: { every: 'day', engine: 'auto', keep: 400, late: 'rebuild' } as never,
    bootstrap: { kind: 'tidb', table: 'shop.orders', chunkRows: 1_000 } as never,
  }),
  settings: {
    ...{ flushMs: 1, maxRecords: 2, splitBytes: 3, parallelism: 4 },
    compaction: { targetBytes: 5, minFiles: 6 },
  },
};

describe('what start shows of a changed config', () => {
  // A change that is not seen is not applied, and the table goes on by the old config without a word.
  it('has every field of a table and of its settings', () => {
    const paths = leaves(running);
    expect(paths.length).toBeGreaterThan(30);
    for (const path of paths) {
      const differences = diffValues(running, changed(running, path));
      expect(differences, path.join('.')).not.toEqual([]);
    }
  });

  it('has what is new, what is gone and what has moved', () => {
    const [id, text] = running.spec.columns;
    const with3 = { ...running.spec, columns: [id, text, { name: 'c', type: 'int', path: '$.c' }] };
    expect(diffValues(running.spec, with3).map(({ path }) => path)).toEqual(['columns.c']);
    expect(diffValues(with3, running.spec)[0]).toMatchObject({ path: 'columns.c', after: undefined });
    const moved = { ...running.spec, columns: [text, id] };
    expect(diffValues(running.spec, moved).map(({ path }) => path)).toEqual([
      'columns.id.position',
      'columns.text.position',
    ]);
  });

  it('has nothing where the config came back through Temporal as it was', () => {
    expect(diffValues(JSON.parse(JSON.stringify(running)), running)).toEqual([]);
  });
});
