import { Document, isScalar, visit } from 'yaml';
import type { FormatGuess } from '../changelog/decoders/sniff.js';
import type { SourceName } from '../changelog/source-names.js';
import { inferColumns } from './infer-columns.js';
import type { SampledRecord } from '../kafka/admin.js';

const LOG_FORMATS = new Set(['json', 'filebeat', 'text']);
const DOCUMENT_FORMATS = new Set(['mongoshake', 'mongo-change-stream']);

/** YAML of one entry under `tables:`, for a person to look over. Pure. */
export function proposeTable(options: {
  kafka: string | undefined;
  topic: string;
  records: SampledRecord[];
  guess: FormatGuess;
  /** Tables whose changes the records are, the one to propose first. */
  sources?: SourceName[];
}): string {
  const { kafka, topic, records, guess, sources = [] } = options;
  // A topic of several tables has no name that is right for one of them.
  const name = hiveName(sources.length > 1 ? sources[0]!.table : topic);
  const from = { ...(kafka !== undefined && { kafka }), topic, format: guess.format, ...guess.options };
  const table = LOG_FORMATS.has(guess.format)
    ? { name, mode: 'append', from, ...logParts(guess.format, records) }
    : {
        name,
        mode: 'mirror',
        from: { ...from, match: matchOf(guess.format, sources[0]) },
        snapshot: { every: 'day' },
      };
  const document = new Document([table]);
  // One line a column and an option, as people write it.
  visit(document, {
    Map: (_key, node, path) => {
      if (path.length > 3) node.flow = true;
    },
    Seq: (_key, node) => {
      if (node.items.every(isScalar)) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 0 }).trimEnd();
}

/** Placeholders where no record names its table. */
function matchOf(format: string, source: SourceName | undefined): Record<string, string> {
  const { database = 'DATABASE', table = 'TABLE' } = source ?? {};
  return DOCUMENT_FORMATS.has(format) ? { database, collection: table } : { database, table };
}

function logParts(format: string, records: SampledRecord[]): Record<string, unknown> {
  if (format === 'text') return { partition: ['day'], raw: true };
  const lines = records.flatMap(({ value }) => (value === null ? [] : [value.toString('utf8')]));
  const { columns, timePath } = inferColumns(format === 'filebeat' ? lines.flatMap(messageOf) : lines);
  return {
    ...(format === 'json' && { time: timePath === undefined ? { from: 'kafka' } : { path: timePath } }),
    partition: ['day', 'hour'],
    columns,
  };
}

/** What a Filebeat event carries, where that is JSON. */
function messageOf(line: string): string[] {
  try {
    const { message } = JSON.parse(line) as { message?: unknown };
    return typeof message === 'string' ? [message] : [];
  } catch {
    return [];
  }
}

function hiveName(text: string): string {
  const words = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  return /^[a-z]/.test(words) ? words : `t_${words}`;
}
