import type { Clue } from './sniff-clue.js';

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const MAXWELL_TYPES =
  /^(insert|update|delete|bootstrap-(start|insert|complete)|(table|database)-(create|alter|drop))$/;
const DEBEZIUM_OPS = new Set(['c', 'u', 'd', 'r', 't', 'm']);
const SIMPLE_TYPES =
  /^(INSERT|UPDATE|DELETE|BOOTSTRAP|WATERMARK|CREATE|RENAME|CINDEX|DINDEX|ERASE|TRUNCATE|ALTER|QUERY)$/;

/** What a JSON text says about its dialect; null if the text is not JSON. */
export function jsonClue(text: string): Clue | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return valueClue(value, false);
}

function valueClue(value: unknown, enveloped: boolean): Clue | null {
  // A string schema of Connect's JsonConverter: the document is a text inside the text.
  if (typeof value === 'string') {
    const inner = jsonClue(value);
    return inner?.format === 'mongo-change-stream' ? inner : null;
  }
  if (!isObject(value)) return null;
  if (!enveloped && 'schema' in value && 'payload' in value) {
    const inner = valueClue(value.payload, true);
    if (inner !== null && inner.format !== 'json') return inner;
  }
  for (const look of [mongoEvent, debezium, canal, maxwell, mongoShake, simple, filebeat]) {
    const clue = look(value, enveloped);
    if (clue !== null) return clue;
  }
  return { format: 'json', weight: 0.5, why: 'a JSON object of no known dialect' };
}

function mongoEvent(value: Json): Clue | null {
  if (typeof value.operationType !== 'string' || !('ns' in value || '_id' in value)) return null;
  return {
    format: 'mongo-change-stream',
    weight: 1,
    why: 'operationType and ns of a MongoDB change stream event',
  };
}

function debezium(value: Json, enveloped: boolean): Clue | null {
  const { source } = value;
  if (!isObject(source) || typeof source.connector !== 'string') return null;
  const row = typeof value.op === 'string' && DEBEZIUM_OPS.has(value.op);
  if (!row && !('ddl' in value) && !('ts_ms' in value)) return null;
  const schema = enveloped ? 'with its schema' : 'without schema: types must be declared';
  return { format: 'debezium', weight: 1, why: `source.connector ${source.connector}, ${schema}` };
}

function canal(value: Json): Clue | null {
  if (typeof value.isDdl !== 'boolean' || typeof value.type !== 'string' || !('database' in value))
    return null;
  const why = (text: string): Clue => ({ format: 'canal-json', weight: 1, why: text });
  if (isObject(value._tidb)) return why('TiCDC, with the TiDB extension: commitTs gives an exact order');
  if ('gtid' in value || (typeof value.id === 'number' && value.id > 0)) {
    return why('Alibaba Canal: ordered by the Kafka offset only');
  }
  return why('TiCDC without enable-tidb-extension: no exact order and no watermarks');
}

function maxwell(value: Json): Clue | null {
  if (typeof value.type !== 'string' || !MAXWELL_TYPES.test(value.type)) return null;
  if (typeof value.database !== 'string' || typeof value.ts !== 'number' || 'commitTs' in value) return null;
  const exact = 'position' in value && ('xoffset' in value || 'commit' in value);
  const order = exact
    ? 'with position and xoffset: exact order'
    : 'without position and xoffset: no exact order';
  return { format: 'maxwell', weight: 1, why: `Maxwell's database, type and ts, ${order}` };
}

function mongoShake(value: Json): Clue | null {
  const { ts, op, ns } = value;
  if (typeof op !== 'string' || op.length !== 1 || typeof ns !== 'string' || !('o' in value)) return null;
  const shape =
    typeof ts === 'number'
      ? 'Name/Value form of v2.6 and older: types are lost'
      : isObject(ts) && '$timestamp' in ts
        ? 'canonical_extended_json'
        : 'Key/Value form: types are lost, set tunnel.json.format=canonical_extended_json';
  return { format: 'mongoshake', weight: 1, why: `json, ${shape}`, options: { message: 'json' } };
}

/** Rows of this dialect cannot be read without the schemas that other records announce. */
function simple(value: Json): Clue | null {
  if (value.version !== 1 || typeof value.type !== 'string' || !SIMPLE_TYPES.test(value.type)) return null;
  if (!('commitTs' in value)) return null;
  return {
    format: 'json',
    weight: 0.2,
    why: "TiCDC's simple protocol, which is not supported: set protocol=canal-json or open-protocol",
  };
}

function filebeat(value: Json): Clue | null {
  if (typeof value['@timestamp'] !== 'string') return null;
  const { agent, message } = value;
  const metadata = value['@metadata'];
  const beat =
    (isObject(metadata) && typeof metadata.beat === 'string') ||
    (isObject(agent) && typeof agent.type === 'string' && agent.type.endsWith('beat')) ||
    (isObject(value.log) && typeof value.log.offset === 'number');
  if (!beat) return null;
  const clue: Clue = { format: 'filebeat', weight: 1, why: '@timestamp and @metadata of Filebeat' };
  if (typeof message === 'string') clue.options = { message: holdsObject(message) ? 'json' : 'text' };
  return clue;
}

function holdsObject(text: string): boolean {
  if (!text.trimStart().startsWith('{')) return false;
  try {
    return isObject(JSON.parse(text));
  } catch {
    return false;
  }
}
