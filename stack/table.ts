import { bytes, seconds } from './progress.js';
import type { UnitStatus } from './status.js';

/** The status of units as a table for a terminal. */
export function statusTable(units: UnitStatus[]): string {
  const rows = units.map((unit) => [
    unit.service,
    unit.unit,
    unit.state,
    String(unit.pid ?? '-'),
    String(unit.port),
    unit.memoryBytes === null ? '-' : bytes(unit.memoryBytes),
    unit.uptimeSeconds === null ? '-' : seconds(unit.uptimeSeconds * 1000),
    unit.problem ?? '',
  ]);
  const total = units.reduce((sum, { memoryBytes }) => sum + (memoryBytes ?? 0), 0);
  const table = [['SERVICE', 'PROCESS', 'STATE', 'PID', 'PORT', 'MEMORY', 'UPTIME', ''], ...rows];
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return total === 0 ? lines.join('\n') : `${lines.join('\n')}\nmemory in all: ${bytes(total)}`;
}
