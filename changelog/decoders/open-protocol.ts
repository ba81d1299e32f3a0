import type { CanonicalChange, DecodedRecord, RecordDecoder, RowImage } from '../types.js';
import { utf8 } from './bytes.js';
import { columnOptions } from './column-options.js';
import type { JsonObject } from './json.js';
import { jsonInteger, jsonText, parseJsonObject } from './json.js';
import { unknownPatch } from './mongo-patch.js';
import { ddlKind } from './mysql-text.js';
import type { OpenSettings } from './open-column.js';
import { openColumn } from './open-column.js';
import { openFrames, plainJson } from './open-frames.js';
import type { DecoderOptions } from './problem.js';
import { DecodeProblem, nothing, recordDecoder, textOption } from './problem.js';
import { tsoMs } from './tso.js';
import { timestampZone } from './zone.js';

const ROW = 1n;
const DDL = 2n;
const RESOLVED = 3n;

/** Order of the changes of one key at one commitTs (change-log-formats 2.6). It is the `seq`: a replay repeats it. */
const RANK = { d: 0n, u: 1n, i: 2n } as const;

/**
 * Decoder of TiCDC's open-protocol (change-log-formats 2.3): batches, DDL, resolved events, compressed values.
 *
 * Options: `zone` (IANA zone in which TiCDC renders TIMESTAMP columns, see timestampZone), `members.*` (see
 * columnOptions), `invalidText` (`refuse` or `hex`), `handleKeyOnly`: what becomes of an insert or update of which the
 * log has only the key (large-message-handle-option=handle-key-only): `refuse` (default) or `partial`, which gives the
 * key columns and a patch of kind `unknown`.
 *
 * An update without old values cannot be told from an insert and comes out as `i`.
 */
export function createOpenProtocolDecoder(options: DecoderOptions = {}): RecordDecoder {
  const settings: OpenSettings = {
    zone: timestampZone(textOption(options, 'zone', '')),
    columns: columnOptions(options),
    invalidText: textOption(options, 'invalidText', 'refuse', ['refuse', 'hex']),
    handleKeyOnly: textOption(options, 'handleKeyOnly', 'refuse', ['refuse', 'partial']),
  };
  return recordDecoder('open-protocol', ({ key, value }) => {
    if (key === null) {
      if (value === null) return nothing();
      throw new DecodeProblem('malformed', 'record without a key: open-protocol keeps its header there');
    }
    const result: DecodedRecord = nothing();
    for (const frame of openFrames(key, value ?? Buffer.alloc(0))) decodeEvent(frame, result, settings);
    return result;
  });
}

function decodeEvent(
  frame: { key: Buffer; value: Buffer },
  into: DecodedRecord,
  settings: OpenSettings,
): void {
  const head = parseJsonObject(utf8(frame.key, 'event key'), 'event key');
  const ts = jsonInteger(head.get('ts'), 'ts');
  const type = jsonInteger(head.get('t'), 't');
  if (type === RESOLVED) {
    if (into.watermark === undefined || ts > into.watermark) into.watermark = ts;
    return;
  }
  if (head.has('ccl')) {
    const location = JSON.stringify(head.get('ccl') ?? null);
    throw new DecodeProblem(
      'claim-check',
      `the value is not in Kafka but in the changefeed's claim-check storage at ${location}; ` +
        'set large-message-handle-option=none with a larger max-message-bytes',
    );
  }
  const database = jsonText(head.get('scm'), 'scm');
  const table = jsonText(head.get('tbl'), 'tbl');
  const body = parseJsonObject(utf8(plainJson(frame.value), 'event value'), 'event value');
  if (type === ROW) {
    const row = new RowEvent(database, table, ts, head.get('ohk') === true, settings);
    into.changes.push(...row.changes(body));
  } else if (type === DDL) {
    const sql = jsonText(body.get('q'), 'q');
    (into.ddl ??= []).push({ database, table: table === '' ? null : table, ts, kind: ddlKind(sql), sql });
  } else {
    throw new DecodeProblem('unsupported', `event type ${type}`);
  }
}

class RowEvent {
  private readonly types: Record<string, string> = {};
  private readonly handles = new Set<string>();

  constructor(
    private readonly database: string,
    private readonly table: string,
    private readonly ts: bigint,
    private readonly keyOnly: boolean,
    private readonly settings: OpenSettings,
  ) {}

  changes(body: JsonObject): CanonicalChange[] {
    const [removed, updated, previous] = [body.get('d'), body.get('u'), body.get('p')];
    if (removed instanceof Map) return [this.change('d', this.image(removed), null)];
    if (!(updated instanceof Map)) throw new DecodeProblem('malformed', 'row event without u and d');
    const row = this.image(updated);
    if (!(previous instanceof Map)) return [this.known(this.change('i', row, null))];
    const before = this.image(previous);
    // TiCDC splits such updates itself unless output-raw-change-event is set (2.1).
    const moved = [...this.handles].some((name) => name in before && before[name] !== row[name]);
    if (!moved) return [this.known(this.change('u', row, before))];
    return [this.change('d', { ...row, ...before }, null), this.known(this.change('i', row, null))];
  }

  private image(columns: JsonObject): RowImage {
    const row: RowImage = {};
    for (const [column, json] of columns) {
      const { database, table } = this;
      const decoded = openColumn(json, { database, table, column }, this.settings);
      row[column] = decoded.value;
      this.types[column] = decoded.type;
      if (decoded.handle) this.handles.add(column);
    }
    return row;
  }

  /** A row of which only the key was sent is not known: NULL in its other columns would be a lie. */
  private known(change: CanonicalChange): CanonicalChange {
    if (!this.keyOnly) return change;
    if (this.settings.handleKeyOnly === 'partial') {
      return { ...change, patch: unknownPatch('only the key columns were sent (handle-key-only)') };
    }
    throw new DecodeProblem(
      'handle-key-only',
      `a row of ${this.database}.${this.table} was too large and only its key columns were sent; raise ` +
        'max-message-bytes of the changefeed, or accept such rows with format option handleKeyOnly: partial',
    );
  }

  private change(op: 'i' | 'u' | 'd', row: RowImage, before: RowImage | null): CanonicalChange {
    const { database, table, ts, types } = this;
    const eventMs = tsoMs(ts);
    const change: CanonicalChange = { database, table, op, ts, seq: RANK[op], eventMs, row, before, types };
    if (this.handles.size > 0) change.key = [...this.handles];
    return change;
  }
}
