import { join } from 'node:path';

import { lit, type Duck } from '../warehouse/duckdb.js';
import { AppendSelect, BAD_KEY, type TableZones } from './append-select.js';
import { fastOrCareful } from './fast-or-careful.js';
import { landedFiles } from './landed-files.js';
import { copiedRows, copyPartitioned, type CopiedFile } from './partitioned-copy.js';
import { assertAllQuarantined, countRows, quarantineInsert, quarantineTable } from './quarantine.js';
import { spoolRows } from './spool.js';
import type { LandedFile, LandingTable } from './types.js';
import { zoneClock } from './zone-clock.js';

export interface AppendRequest {
  table: LandingTable;
  batch: string;
  fileStem: string;
  workDir: string;
  /** The spool's lines. */
  linesPath: string;
  /** Quarantine of records that cannot be read at all; undefined: another table of the topic has put them there. */
  unreadableTo: string | undefined;
}

/** Reasons of records that cannot be told to be this table's. */
const UNREADABLE = `('nul_byte', 'invalid_json', 'not_an_object')`;

/**
 * Lands the lines as rows of one append table. The fast variant stops at the first record that is not plainly good; then the
 * careful one looks at every record on its own. Records that do not fit go to the quarantine either way.
 */
export async function landAppend(duck: Duck, request: AppendRequest): Promise<LandedFile[]> {
  const lines = spoolRows(request.linesPath);
  const directory = (variant: string) =>
    join(request.workDir, 'parts', `${request.table.spec.name}-${variant}`);
  const zones = {
    table: await zoneClock(duck, request.table.spec.timezone),
    eventTime: await zoneClock(duck, request.table.spec.eventTime.zone),
  };
  const copied = await fastOrCareful((careful) => {
    const select = new AppendSelect(request.table, request.batch, zones, careful);
    return copyPartitioned(duck, select.rows(lines), directory(careful ? 'careful' : 'fast'));
  });
  const bad = copied.filter((file) => file.key === BAD_KEY);
  if (bad.length > 0) await quarantineFaults(duck, request, zones, lines, bad);
  return landedFiles(
    duck,
    request,
    copied.filter((file) => file.key !== BAD_KEY),
  );
}

async function quarantineFaults(
  duck: Duck,
  request: AppendRequest,
  zones: TableZones,
  lines: string,
  bad: CopiedFile[],
): Promise<void> {
  const suspects =
    `(SELECT l.* FROM ${lines} l SEMI JOIN ` +
    `(SELECT kafka_partition, kafka_offset FROM ${copiedRows(bad)}) b ` +
    `ON l.p = b.kafka_partition AND l.o = b.kafka_offset)`;
  await duck.run(
    `CREATE OR REPLACE TEMP TABLE faults AS ${new AppendSelect(request.table, request.batch, zones, true).faults(suspects)}`,
  );
  const setAside = bad.reduce((sum, file) => sum + file.rows, 0);
  const own = quarantineTable(request.table.spec.name);
  assertAllQuarantined(own, setAside, await countRows(duck, 'faults'));
  const { unreadableTo } = request;
  const owner =
    unreadableTo === undefined
      ? lit(own)
      : `CASE WHEN reason IN ${UNREADABLE} THEN ${lit(unreadableTo)} ELSE ${lit(own)} END`;
  const where = unreadableTo === undefined ? ` WHERE reason NOT IN ${UNREADABLE}` : '';
  await duck.run(
    quarantineInsert(
      `SELECT ${owner}, p::INTEGER, o, ts, reason, detail, key, encode(value) FROM faults${where}`,
    ),
  );
}
