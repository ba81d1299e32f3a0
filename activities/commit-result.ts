import { quarantineTable } from '../changelog/quarantine.js';
import type { LandingTable } from '../changelog/types.js';
import type { CommitSummary } from '../warehouse/commit-plan.js';
import { partitionPath } from '../warehouse/layout.js';
import type { CommitResult } from '../workflows/ingest-types.js';
import { changelogTable } from './hive-tables.js';

/** What a commit gave to each table. */
export function resultOf(summary: CommitSummary, landings: LandingTable[]): CommitResult {
  const tables: CommitResult['tables'] = {};
  for (const { spec } of landings) {
    const landed = changelogTable(spec);
    const rows = summary.rows[landed] ?? 0;
    const quarantined = summary.rows[quarantineTable(spec.name)] ?? 0;
    const revised = summary.partitions
      .filter(({ table, revision }) => table === landed && revision > 0)
      .map(({ partition }) => partitionPath(partition));
    const minEventMs = summary.minEventMs[landed];
    if (rows + quarantined > 0) {
      tables[spec.name] = { rows, quarantined, revised, ...(minEventMs !== undefined && { minEventMs }) };
    }
  }
  const rows = Object.values(tables).reduce((sum, table) => sum + table.rows, 0);
  return { positions: summary.positions, rows, bytes: summary.bytes, files: summary.files, tables };
}
