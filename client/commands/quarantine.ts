import pc from 'picocolors';
import { count, print, printJson, renderTable } from '../output.js';
import { QuarantineFiles, quarantinesOf, type QuarantineCount } from '../quarantine-files.js';
import { cutText, filterOf, nothingChosen } from '../quarantine-text.js';
import { encodedBytes, shownBytes } from '../raw-bytes.js';
import { openSession } from '../session.js';

interface Options {
  config: string;
  json?: boolean;
}

/** Reasons of a day are looked up in its files; the list of all tables leaves days out that are larger than this. */
const LIST_BYTES = 64 << 20;
const SHOWN_BYTES = 600;

/** Counts by table, day and reason. */
export async function list(table: string | undefined, options: Options): Promise<void> {
  const session = await openSession(options.config);
  const quarantines = quarantinesOf(session, table);
  const counts = await QuarantineFiles.with(session, async (files) => {
    const all: QuarantineCount[] = [];
    for (const quarantine of quarantines) {
      all.push(...(await files.counts(quarantine, table === undefined ? LIST_BYTES : Infinity)));
    }
    return all;
  });
  if (options.json) return printJson(counts);
  if (counts.length === 0) return print('Nothing is in quarantine.');
  print(
    renderTable(
      [
        { title: 'table' },
        { title: 'day' },
        { title: 'reason' },
        { title: 'records', right: true },
        { title: 'first' },
        { title: 'last' },
      ],
      counts.map((each) => [
        each.table,
        each.day,
        each.reason ?? pc.dim('large: quarantine list ' + each.table),
        count(each.records),
        each.first ?? '',
        each.last ?? '',
      ]),
    ),
  );
}

/** The newest records of a quarantine, with their bytes. */
export async function show(
  table: string,
  options: Options & { limit: number; reason?: string; day?: string; full?: boolean },
): Promise<void> {
  const session = await openSession(options.config);
  const [quarantine] = quarantinesOf(session, table);
  const { records, all, total } = await QuarantineFiles.with(session, async (files) => {
    const found = await files.newest(quarantine!, filterOf(options), options.limit);
    // Only to say what there is instead.
    const wanted = found.length === 0 && !options.json;
    const all = wanted ? await files.counts(quarantine!, Infinity) : [];
    // Only a full page leaves open how many more there are.
    const cut = found.length === options.limit && !options.json;
    return {
      records: found,
      all,
      total: cut ? await files.total(quarantine!, filterOf(options), LIST_BYTES) : found.length,
    };
  });
  if (options.json) {
    return printJson(
      records.map(({ key, value, timestampMs, ...rest }) => ({
        ...rest,
        timestamp: timestampMs < 0 ? null : new Date(timestampMs).toISOString(),
        key: encodedBytes(key),
        value: encodedBytes(value),
      })),
    );
  }
  if (records.length === 0) print(nothingChosen(table, options, all));
  for (const record of records) {
    const { topic, partition, offset, timestampMs, reason, detail, batch } = record;
    const time = timestampMs < 0 ? 'no time' : new Date(timestampMs).toISOString();
    const limitBytes = options.full ? 0 : SHOWN_BYTES;
    print(`${pc.bold(`${topic}/${partition}/${offset}`)}  ${time}  ${pc.yellow(reason)}  ${pc.dim(batch)}`);
    if (detail !== null) print(`  ${pc.dim('detail')}  ${shownBytes(Buffer.from(detail), limitBytes)}`);
    print(`  ${pc.dim('key')}     ${shownBytes(record.key, limitBytes)}`);
    print(`  ${pc.dim('value')}   ${shownBytes(record.value, limitBytes)}`);
  }
  const line = cutText(records.length, total);
  if (line !== undefined) print(pc.dim(line));
}
