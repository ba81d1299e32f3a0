import type { OrderChange } from './mirror-log.js';

/** A row of the tests' table, in the log's texts. */
export type Row = { id: string; status: string | null; amount: string | null };

/** The table as of an instant: its changes in the order of their commits, whatever the order in which they came. */
export function tableAt(changes: readonly OrderChange[], ms: number): Row[] {
  const rows = new Map<string, Row>();
  for (const { type, row, old, ms: at } of [...changes].sort((a, b) => a.ms - b.ms)) {
    if (at >= ms) continue;
    if (old && old.id !== row.id) rows.delete(old.id);
    if (type === 'TRUNCATE') rows.clear();
    else if (type === 'DELETE') rows.delete(row.id);
    else rows.set(row.id, row);
  }
  return [...rows.values()].sort((a, b) => Number(a.id) - Number(b.id));
}
