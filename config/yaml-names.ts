import { formatDuration, formatSize } from './units.js';

/**
 * Places of a resolved table and its settings as the config file has them, for people: the resolved form has names and units of
 * its own.
 */

interface Place {
  key: string;
  /** The value as it is written in the file. */
  value?: (value: unknown) => unknown;
}

const number =
  (format: (n: number) => string) =>
  (value: unknown): unknown =>
    typeof value === 'number' ? format(value) : value;
const duration = number(formatDuration);
const size = number(formatSize);

/** By the longest beginning that fits; what is not here has the same place in snake case. */
const PLACES: Record<string, Place> = {
  spec: { key: '' },
  'spec.kafka': { key: 'from.kafka' },
  'spec.topic': { key: 'from.topic' },
  'spec.format': { key: 'from.format' },
  'spec.formatOptions': { key: 'from' },
  'spec.formatOptions.decimal': { key: 'from.decimals' },
  'spec.formatOptions.time': { key: 'from.times' },
  'spec.formatOptions.binary': { key: 'from.binaries' },
  'spec.match': { key: 'from.match' },
  'spec.eventTime': { key: 'time' },
  'spec.eventTime.kafka': { key: 'time.from', value: (kafka) => (kafka === true ? 'kafka' : undefined) },
  'spec.partition': { key: 'partition', value: (by) => (by === 'hour' ? ['day', 'hour'] : ['day']) },
  'spec.rawColumn': { key: 'raw' },
  'spec.latenessSeconds': { key: 'lateness', value: number((s) => formatDuration(s * 1_000)) },
  'spec.timestamps': { key: 'warehouse.timestamps' },
  'spec.bootstrap.urlRef': { key: 'bootstrap.url' },
  settings: { key: 'ingest' },
  'settings.flushMs': { key: 'ingest.flush.interval', value: duration },
  'settings.maxRecords': { key: 'ingest.flush.max_records' },
  'settings.splitBytes': { key: 'ingest.split_size', value: size },
  'settings.compaction': { key: 'compaction' },
  'settings.compaction.targetBytes': { key: 'compaction.target_file_size', value: size },
};

/** Whose members are names that people chose. */
const CHOSEN = /^spec\.(columns|rename)$/;

/** `spec.latenessSeconds` is `lateness`, its value 600 is `10m`. */
export function yamlPlace(path: string): string {
  const [key, rest] = longest(path);
  if (CHOSEN.test(path) || rest.length === 0) return key === '' ? rest.join('.') : key;
  const own = CHOSEN.test(path.split('.').slice(0, 2).join('.')) ? rest : rest.map(snake);
  return [key, ...own].filter((part) => part !== '').join('.');
}

/** A value of such a place as the file would have it. */
export function yamlValue(path: string, value: unknown): unknown {
  const place = PLACES[path];
  if (place?.value) return value === undefined ? undefined : place.value(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const inner = `${path}.${name}`;
      const key = CHOSEN.test(path) ? name : yamlPlace(inner).split('.').at(-1)!;
      return [key, yamlValue(inner, member)];
    }),
  );
}

/** The key of the longest beginning that has one, and what follows it. */
function longest(path: string): [key: string, rest: string[]] {
  const parts = path.split('.');
  for (let n = parts.length; n > 0; n--) {
    const place = PLACES[parts.slice(0, n).join('.')];
    if (place) return [place.key, parts.slice(n)];
  }
  return ['', parts];
}

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
