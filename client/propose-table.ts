import { Document, isScalar, visit } from 'yaml';
import type { FormatGuess } from '../changelog/decoders/sniff.js';
import { inferColumns } from './infer-columns.js';
import type { SampledRecord } from '../kafka/admin.js';

const LOG_FORMATS = new Set(['json', 'filebeat', 'text']);

/** YAML of one entry under `tables:`, for a person to look over. Pure. */
export function proposeTable(options: {
  kafka: string | undefined;
  topic: string;
  records: SampledRecord[];
  guess: FormatGuess;
}): string {
  const { kafka, topic, records, guess } = options;
  const name = tableName(topic);
  const from = { ...(kafka !== undefined && { kafka }), topic, format: guess.format, ...guess.options };
  const table = LOG_FORMATS.has(guess.format)
    ? { name, mode: 'append', from, ...logParts(guess.format, records) }
    : {
        name,
        mode: 'mirror',
        from: { ...from, match: { database: 'DATABASE', table: 'TABLE' } },
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

function tableName(topic: string): string {
  const words = topic
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  return /^[a-z]/.test(words) ? words : `t_${words}`;
}
