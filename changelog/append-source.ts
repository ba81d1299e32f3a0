import type { TableSpec } from '../config/spec.js';
import { documentSql, trimmedSql, unreadableJsonReason } from './document-sql.js';
import { parseJsonPath, type PathStep } from './json-path.js';
import { exactNumbers, quotedNumbers, unmarkedText } from './formats/exact-numbers.js';
import { planJsonShape, readDocument, type JsonShape, type ShapeRequest } from './json-shape.js';

/**
 * How a format of append tables reads one record. The spool's columns are p, o, ts, key, value. `documents` adds columns
 * that later levels read; in the `fast` variant it may raise an SQL error where a record is not plainly good, and the
 * `careful` variant gives NULL documents instead.
 */
export interface AppendSource {
  /** Levels of `SELECT *, <level> FROM (previous)`. */
  levels: string[];
  /** SQL of request i, over the columns that the levels add. */
  read: (index: number) => string;
  /**
   * The same, slower, with every digit of a fractional number: DuckDB reads those as doubles. Undefined where there are none.
   */
  exact?: (index: number) => string;
  /** SQL boolean: the record cannot be read at all. */
  unreadable: string;
  /** SQL text: the reason code of an unreadable record. */
  unreadableReason: string;
}

/** One path a table wants: a column's, or the event time's. */
export interface PathRequest {
  path: string;
  json: boolean;
}

/** Chooses the reader of a table's format. */
export function appendSource(spec: TableSpec, requests: PathRequest[], careful: boolean): AppendSource {
  switch (spec.format) {
    case 'text':
      return textSource();
    case 'filebeat':
      return filebeatSource(spec, requests, careful);
    default:
      return jsonSource(requests, careful);
  }
}

function jsonSource(requests: PathRequest[], careful: boolean): AppendSource {
  const own = requests.map(({ path, json }) => ({ steps: parseJsonPath(path), json }));
  const shape = planJsonShape(own);
  return {
    exact: (index) => exactText('doc', own[index]!),
    levels: [`${documentSql('value', careful)} AS doc`, `${shape.parse('doc') ?? 'NULL'} AS parsed`],
    read: (index) => shape.read(index, 'parsed', 'doc'),
    unreadable: 'doc IS NULL',
    unreadableReason: unreadableJsonReason('value'),
  };
}

/** What a request reads, with every digit that the document has. */
function exactText(document: string, request: ShapeRequest): string {
  const text = readDocument(exactNumbers(document), request);
  return request.json ? `${quotedNumbers(`(${text})::VARCHAR`)}::JSON` : unmarkedText(text);
}

/** Every path is the line itself. */
function textSource(): AppendSource {
  return { levels: [], read: () => 'value', unreadable: 'false', unreadableReason: 'NULL' };
}

/** First step of paths that mean Filebeat's own fields and nothing else. */
export const ENVELOPE_STEP = '@envelope';

/**
 * Filebeat's event as Filebeat would show it with `json.keys_under_root` and `overwrite_keys`: the members of the message's
 * JSON object lie over the envelope's, so `$.uid` is the log's and `$.host.name` Filebeat's unless the log has its own.
 * `$."@envelope".message` is always the envelope's.
 */
function filebeatSource(spec: TableSpec, requests: PathRequest[], careful: boolean): AppendSource {
  const mode = String(spec.formatOptions['message'] ?? 'auto');
  const raw = spec.formatOptions['codec'] === 'raw';
  const own: ShapeRequest[] = requests.map(({ path, json }) => ({ steps: parseJsonPath(path), json }));
  const inEnvelope = own.map(({ steps, json }) => ({ steps: envelopeSteps(steps), json }));
  const message = inEnvelope.length;
  const jsonMember = message + 1;
  const envelope = planJsonShape([
    ...inEnvelope,
    { steps: ['message'], json: false },
    { steps: ['json'], json: true },
  ]);
  const body: JsonShape = planJsonShape(
    own.map((request) => (isEnvelope(request.steps) ? { ...request, steps: [] } : request)),
  );
  const levels: string[] = [];
  if (raw) levels.push('NULL AS doc, NULL AS envelope', 'value AS message, NULL AS nested');
  else {
    levels.push(
      `${documentSql('value', careful)} AS doc`,
      `${envelope.parse('doc')!} AS envelope`,
      `${envelope.read(message, 'envelope', 'doc')} AS message, ${envelope.read(jsonMember, 'envelope', 'doc')} AS nested`,
    );
  }
  levels.push(`${bodySql(mode)} AS body`, `${body.parse('body') ?? 'NULL'} AS body_parsed`);
  const ofEnvelope = (index: number) => {
    if (!raw) return envelope.read(index, 'envelope', 'doc');
    return inEnvelope[index]!.steps.join() === 'message' ? 'message' : 'NULL';
  };
  const unreadableEnvelope = raw ? 'false' : 'doc IS NULL';
  const needsBody = mode === 'json';
  const exactEnvelope = (index: number) => (raw ? 'NULL' : exactText('doc', inEnvelope[index]!));
  return {
    levels,
    exact: (index) => {
      if (mode === 'text' || isEnvelope(own[index]!.steps)) return exactEnvelope(index);
      return `coalesce(${exactText('body', own[index]!)}, ${exactEnvelope(index)})`;
    },
    read: (index) => {
      if (mode === 'text' || isEnvelope(own[index]!.steps)) return ofEnvelope(index);
      return `coalesce(${body.read(index, 'body_parsed', 'body')}, ${ofEnvelope(index)})`;
    },
    unreadable: needsBody
      ? `(${unreadableEnvelope} OR (body IS NULL AND message IS NOT NULL))`
      : unreadableEnvelope,
    unreadableReason: `CASE WHEN ${unreadableEnvelope} THEN ${unreadableJsonReason('value')} ELSE ${unreadableJsonReason('message')} END`,
  };
}

function bodySql(mode: string): string {
  if (mode === 'text') return 'NULL';
  const trimmed = trimmedSql('message');
  return (
    `CASE WHEN starts_with(${trimmed}, '{') AND json_valid(${trimmed}) THEN ${trimmed} ` +
    `WHEN starts_with(nested::VARCHAR, '{') THEN nested::VARCHAR END`
  );
}

function isEnvelope(steps: PathStep[]): boolean {
  return steps[0] === ENVELOPE_STEP;
}

function envelopeSteps(steps: PathStep[]): PathStep[] {
  return isEnvelope(steps) ? steps.slice(1) : steps;
}
