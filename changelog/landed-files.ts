import { join } from 'node:path';

import { instantsOf } from '../common/zone.js';
import type { TableSpec } from '../config/spec.js';
import { lit, type Duck } from '../warehouse/duckdb.js';
import { moveTo, type CopiedFile } from './partitioned-copy.js';
import { partitionValues } from './time-sql.js';
import type { LandedFile, LandingTable } from './types.js';

/** Hive table of a table's landed rows: its own name for logs, `<name>_changelog` for a mirror (design 3). */
function changelogTable(spec: TableSpec): string {
  return spec.mode === 'append' ? spec.name : `${spec.name}_changelog`;
}

export interface LandedFilesRequest {
  table: LandingTable;
  fileStem: string;
  workDir: string;
}

/** Gives copied files their final names and the bounds that the manifest needs, from the files' own statistics. */
export async function landedFiles(
  duck: Duck,
  request: LandedFilesRequest,
  copied: CopiedFile[],
): Promise<LandedFile[]> {
  const { partition: level, timezone } = request.table.spec;
  const hiveTable = changelogTable(request.table.spec);
  const bounds = await instantBounds(duck, copied, timezone);
  const files: LandedFile[] = [];
  for (const [index, file] of copied.entries()) {
    const partition = partitionValues(file.key, level);
    const digits = Object.values(partition).join('').replaceAll('-', '');
    const again = copied.slice(0, index).filter((other) => other.key === file.key).length;
    const finalName = `${request.fileStem}-${hiveTable}-${digits}${again === 0 ? '' : `-${again}`}.parquet`;
    files.push({
      table: hiveTable,
      partition,
      localPath: await moveTo(file, join(request.workDir, 'out', hiveTable), finalName),
      finalName,
      rows: file.rows,
      bytes: file.bytes,
      minEventMs: bounds[index]!.min,
      maxEventMs: bounds[index]!.max,
      minCdcTs: file.min('cdc_ts'),
      maxCdcTs: file.max('cdc_ts'),
    });
  }
  return files;
}

/** Times that JavaScript reads as DuckDB writes them, in years whose offsets both know alike. */
const USUAL = /^(?:19[7-9]|20\d)\d-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?$/;

/**
 * Instants of the least and greatest `event_time`. Where clocks are put back a wall clock is two instants: the earlier one
 * bounds below, the later one above. A query for each file would be a tenth of what a small table of a large topic costs.
 */
async function instantBounds(
  duck: Duck,
  copied: CopiedFile[],
  zone: string,
): Promise<{ min: number; max: number }[]> {
  const walls = copied.map((file) => [file.min('event_time')!, file.max('event_time')!] as const);
  if (walls.flat().some((wall) => !USUAL.test(wall))) return unusualBounds(duck, walls, zone);
  return walls.map(([low, high]) => ({
    min: instantsOf(wallMs(low), zone).first,
    max: instantsOf(wallMs(high), zone).last,
  }));
}

function wallMs(text: string): number {
  return Math.floor(
    Date.parse(`${text.slice(0, 19).replace(' ', 'T')}Z`) + Number(`0${text.slice(19)}`) * 1000,
  );
}

async function unusualBounds(
  duck: Duck,
  walls: (readonly [low: string, high: string])[],
  zone: string,
): Promise<{ min: number; max: number }[]> {
  const values = walls.map(([low, high], i) => `(${i}, ${lit(low)}::TIMESTAMP, ${lit(high)}::TIMESTAMP)`);
  const instant = (wall: string, choose: 'min' | 'max') => {
    const first = `timezone(${lit(zone)}, ${wall})`;
    const around = [-60, -30, 0, 30, 60].map((minutes) => `${first} + to_minutes(${minutes})`);
    const same = `list_filter([${around.join(', ')}], lambda x: timezone(${lit(zone)}, x) = ${wall})`;
    return `epoch_ms(coalesce(list_${choose}(${same}), ${first}))`;
  };
  const rows = await duck.rows<{ min: string; max: string }>(
    `SELECT ${instant('low', 'min')} AS min, ${instant('high', 'max')} AS max ` +
      `FROM (VALUES ${values.join(', ')}) v(i, low, high) ORDER BY i`,
  );
  return rows.map(({ min, max }) => ({ min: Number(min), max: Number(max) }));
}
