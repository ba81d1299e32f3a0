import { resolve } from 'node:path';

/** Where a demo keeps its config, logs and, without HDFS, its data: one demo must not wipe the other's. */
export const demoDir = (demo: 'click' | 'mirror'): string => resolve('.demo', demo);

/** Lines that tell how to ask Hive oneself; none where there is no Hive. */
export function askYourself(
  hive: { host: string; port: number },
  database: string,
  statement: string | undefined,
): string {
  if (statement === undefined) return '';
  return `
Ask Hive yourself:
  npm run stack -- sql "${statement}"
  beeline -u 'jdbc:hive2://${hive.host}:${hive.port}/${database};auth=noSasl' -n hive      where you have one
`;
}

/** The end of every demo: what goes on running, and how to end it. */
export const HOW_TO_END = `
The services go on running, and their data stay:
  npm run stack -- status                                 what runs
  npm run stack -- down                                   ends all of it; with --wipe its data go too`;
