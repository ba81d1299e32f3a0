import { TributaryError } from '../common/errors.js';
import type { PartitionValues } from './catalog.js';

/**
 * Every path below is relative to the storage's root. Names that begin with `_` or `.` are Tributary's own (and hidden
 * from Hive inside a data directory); `quoteSegment` never produces one from a table's or a topic's name.
 */
export const STAGING = '_staging';
export const CONTROL = '_tributary';

/** Longest name of one path segment that HDFS and local file systems take, in bytes. */
const MAX_SEGMENT_BYTES = 255;

/** What may stand in a segment as it is: ASCII letters, digits, `.`, `_`, `-`, and everything beyond ASCII. */
// eslint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u002c\u002f\u003a-\u0040\u005b-\u005e\u0060\u007b-\u007f]/g;

/**
 * One path segment for any text: unsafe characters become `%` and two hex digits, as Hive writes partition values. A
 * leading `_` or `.` is quoted too, so that the result is never hidden, never `..`, and never one of our own directories.
 */
export function quoteSegment(text: string): string {
  if (text === '') throw invalidPath(text, 'A path segment must not be empty.');
  if (/\p{Surrogate}/u.test(text)) throw invalidPath(text, 'Half a surrogate pair has no place in a path.');
  const quoted = text.replace(UNSAFE, hex).replace(/^[._]/, hex);
  if (Buffer.byteLength(quoted) > MAX_SEGMENT_BYTES) {
    throw invalidPath(text, `A name must fit into ${MAX_SEGMENT_BYTES} bytes of a path.`);
  }
  return quoted;
}

function hex(character: string): string {
  return '%' + character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0');
}

/** The text that `quoteSegment` made a segment of. */
export function unquoteSegment(segment: string): string {
  return segment.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(parseInt(digits, 16)),
  );
}

/**
 * A root-relative path split into its segments.
 * @throws TributaryError InvalidPath for a path that is absolute, has an empty segment, or leaves the root.
 */
export function pathSegments(path: string): string[] {
  if (path === '') return [];
  const segments = path.split('/');
  if (segments.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0'))) {
    throw invalidPath(
      path,
      'A path in the warehouse is relative to its root and has no empty, "." or ".." parts.',
    );
  }
  return segments;
}

/** The directory of a path; empty for a direct child of the root. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** The last segment of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function invalidPath(path: string, message: string): TributaryError {
  return new TributaryError({
    code: 'InvalidPath',
    message: `${message} Not usable: ${JSON.stringify(path.slice(0, 300))}`,
    attributes: { path: path.slice(0, 300) },
  });
}

/**
 * `dt=2026-01-01/hh=03`: columns sorted by name, so that one partition has one path whatever order its values came in.
 */
export function partitionPath(values: PartitionValues): string {
  const names = Object.keys(values).sort();
  if (names.length === 0) throw invalidPath('', 'A partition needs at least one partition column.');
  return names.map((name) => `${quoteSegment(name)}=${quoteValue(values[name] ?? '')}`).join('/');
}

// A value stands behind `=`, so a leading `_` or `.` needs no quoting; Hive's own name for an empty one stays readable.
function quoteValue(value: string): string {
  return quoteSegment('v' + value).slice(1);
}

/** Partition values of `dt=…[/hh=…]`. */
export function parsePartitionPath(path: string): PartitionValues {
  const values: PartitionValues = {};
  for (const segment of pathSegments(path)) {
    const at = segment.indexOf('=');
    if (at < 1) throw invalidPath(path, 'A partition is written column=value.');
    values[unquoteSegment(segment.slice(0, at))] = unquoteSegment(segment.slice(at + 1));
  }
  return values;
}

/** Directory of a table. */
export function tableDirectory(table: string): string {
  return quoteSegment(table);
}

/**
 * `<table>/dt=…[/hh=…]/v<n>`: a version of a partition's content, the directory that Hive's LOCATION names. `suffix` makes it one
 * attempt's own, so that a zombie never writes into a directory that has gone live.
 */
export function versionDirectory(
  table: string,
  values: PartitionValues,
  version: number,
  suffix?: string,
): string {
  const own = suffix === undefined ? '' : `-${quoteValue(suffix)}`;
  return `${tableDirectory(table)}/${partitionPath(values)}/v${version}${own}`;
}

/** The n of a directory that `versionDirectory` made. */
export function versionOf(directory: string): number {
  const match = /\/v(\d+)(-[^/]*)?$/.exec(directory);
  if (match?.[1] === undefined) throw invalidPath(directory, 'A partition directory ends in v and a number.');
  return Number(match[1]);
}

/** One attempt's private directory. Everything of one batch lies under `stagingBatchDirectory`. */
export function stagingDirectory(at: {
  run: string;
  batch: string;
  split: string | number;
  attempt: string | number;
}): string {
  const split = quoteSegment(String(at.split));
  return `${stagingBatchDirectory(at.run, at.batch)}/${split}/${quoteSegment(String(at.attempt))}`;
}

/** Directory of everything that a batch staged, by all attempts of all splits. */
export function stagingBatchDirectory(run: string, batch: string): string {
  return `${STAGING}/${quoteSegment(run)}/${quoteSegment(batch)}`;
}

/**
 * A sequence of commits over one topic. `member` is the sequence of a table that catches up alone, or of one backfill,
 * beside the topic's own.
 */
export interface Stream {
  kafka: string;
  topic: string;
  member?: string;
}

/** Name of a stream, e.g. for messages and as a key in partition states. */
export function streamName(stream: Stream): string {
  const topic = `${quoteSegment(stream.kafka)}/${quoteSegment(stream.topic)}`;
  return stream.member === undefined ? topic : `${topic}/members/${quoteSegment(stream.member)}`;
}

export function positionsPath(stream: Stream): string {
  return positionsPathOf(streamName(stream));
}

/** The same for a stream's name, as partition states have it. */
export function positionsPathOf(name: string): string {
  return `${CONTROL}/positions/${name}/positions.json`;
}

export function commitsDirectory(stream: Stream): string {
  return `${CONTROL}/commits/${streamName(stream)}`;
}

export function commitPath(stream: Stream, seq: number): string {
  return `${commitsDirectory(stream)}/${padded(seq)}.json`;
}

/** Directory of a partition's state: one immutable file a generation, the highest one counts. */
export function partitionStateDirectory(table: string, values: PartitionValues): string {
  return `${partitionStatesRoot(table)}/${partitionPath(values)}`;
}

export function partitionStatesRoot(table: string): string {
  return `${CONTROL}/partitions/${quoteSegment(table)}`;
}

/** `000000000012.json`: sorts as the number does. */
export function numberedName(n: number): string {
  return `${padded(n)}.json`;
}

/** The number of a `numberedName`; undefined for any other name. */
export function parseNumberedName(name: string): number | undefined {
  const match = /^(\d{12})\.json$/.exec(name);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

export function specPath(hash: string): string {
  return `${CONTROL}/specs/${quoteSegment(hash)}.json`;
}

/** State of a table in the catalog of kind `none`: one file a generation. */
export function catalogDirectory(table: string): string {
  return `${CONTROL}/catalog/${quoteSegment(table)}`;
}

export const GARBAGE_DIRECTORY = `${CONTROL}/garbage`;

/** Record of a directory that may be removed later; one path a directory. */
export function garbagePath(directory: string): string {
  return `${GARBAGE_DIRECTORY}/${pathSegments(directory).join('+')}.json`;
}

/** Mark of a complete partition, inside its directory; Hive does not read names that begin with `_`. */
export const SUCCESS_FILE = '_SUCCESS';

function padded(n: number): string {
  if (!Number.isSafeInteger(n) || n < 0 || n > 999_999_999_999) {
    throw invalidPath(String(n), 'A sequence number is a whole number of at most 12 digits.');
  }
  return String(n).padStart(12, '0');
}
