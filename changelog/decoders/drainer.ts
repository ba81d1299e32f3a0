import type { CanonicalChange, DecodedRecord, RecordDecoder, RowImage } from '../types.js';
import { columnOptions } from './column-options.js';
import { mutations, readBinlog, readTable } from './drainer-message.js';
import type { DrainerBinlog, DrainerMutation, DrainerTable } from './drainer-message.js';
import { TransactionOrder } from './drainer-order.js';
import { RowDecoder } from './drainer-row.js';
import type { RowSettings } from './drainer-row.js';
import { ddlKind } from './mysql-text.js';
import type { DecoderOptions } from './problem.js';
import { nothing, recordDecoder, textOption } from './problem.js';
import { tsoMs } from './tso.js';
import { timestampZone } from './zone.js';

/**
 * Decoder of TiDB Drainer's Kafka sink (protobuf, change-log-formats 1).
 *
 * Options: `zone` (IANA zone in which Drainer renders TIMESTAMP columns, see timestampZone), `members.*` and
 * `generated` (see columnOptions), `invalidText` (`refuse`, the default, or `hex`).
 */
export function createDrainerDecoder(options: DecoderOptions = {}): RecordDecoder {
  const settings: RowSettings = {
    zone: timestampZone(textOption(options, 'zone', '')),
    columns: columnOptions(options),
    invalidText: textOption(options, 'invalidText', 'refuse', ['refuse', 'hex']),
  };
  return recordDecoder('drainer', ({ value }) => {
    if (value === null) return nothing();
    const binlog = readBinlog(value);
    return binlog.ddl === null ? decodeDml(binlog, settings) : decodeDdl(binlog);
  });
}

function decodeDdl({ commitTs, ddl }: DrainerBinlog): DecodedRecord {
  if (ddl === null) return nothing();
  const kind = ddlKind(ddl.sql);
  return {
    changes: [],
    ddl: [{ database: ddl.database, table: ddl.table, ts: commitTs, kind, sql: ddl.sql }],
    watermark: commitTs,
  };
}

function decodeDml({ commitTs, tables }: DrainerBinlog, settings: RowSettings): DecodedRecord {
  const changes: CanonicalChange[] = [];
  const orders = new Map<string, TransactionOrder>();
  let position = 0;
  for (const bytes of tables) {
    const table = readTable(bytes);
    const name = JSON.stringify([table.database, table.table]);
    const order = orders.get(name) ?? new TransactionOrder();
    orders.set(name, order);
    const rows = new RowDecoder(table, settings);
    const builder = new ChangeBuilder(table, commitTs, order);
    for (const mutation of mutations(table)) builder.add(mutation, rows, position++, changes);
    // The changes share this object: a transaction may have a hundred thousand of them.
    Object.assign(builder.types, rows.types());
  }
  // One record is one transaction and commit_ts only grows in the one partition that Drainer writes (1.7).
  return { changes, watermark: commitTs };
}

class ChangeBuilder {
  readonly types: Record<string, string> = {};
  private readonly key: string[];
  /** Column sets whose change makes an update a delete and an insert. */
  private readonly identities: string[][];
  private readonly eventMs: number;

  constructor(
    private readonly table: DrainerTable,
    private readonly commitTs: bigint,
    private readonly order: TransactionOrder,
  ) {
    const primary =
      table.keys.find((key) => key.name.toUpperCase() === 'PRIMARY')?.columns ??
      table.columns.filter((column) => column.primary).map((column) => column.name);
    // Without a primary key the first unique key stands in. Nullability is not in the log, so an update of any unique
    // key is split: the table's configuration may have declared another one of them as its key.
    this.key = primary.length > 0 ? primary : (table.keys[0]?.columns ?? []);
    this.identities = primary.length > 0 ? [primary] : table.keys.map((key) => key.columns);
    this.eventMs = tsoMs(commitTs);
  }

  add(mutation: DrainerMutation, rows: RowDecoder, position: number, into: CanonicalChange[]): void {
    const row = rows.row(mutation.row);
    if (mutation.type === 'insert') {
      into.push(this.change('i', row, null, this.order.write(this.keyOf(row), row, position)));
    } else if (mutation.type === 'delete') {
      into.push(this.change('d', row, null, this.order.remove(this.keyOf(row), row, position, false)));
    } else {
      const before = mutation.before === null ? null : rows.row(mutation.before);
      if (before !== null && this.keyChanged(before, row)) {
        const removed = this.order.remove(this.keyOf(before), before, position, true);
        into.push(this.change('d', before, null, removed));
        into.push(this.change('i', row, null, this.order.write(this.keyOf(row), row, position)));
      } else {
        into.push(this.change('u', row, before, this.order.write(this.keyOf(row), row, position)));
      }
    }
  }

  private keyOf(row: RowImage): string | null {
    return this.key.length === 0 ? null : JSON.stringify(this.key.map((column) => row[column]));
  }

  private keyChanged(before: RowImage, after: RowImage): boolean {
    return this.identities.some((columns) => columns.some((column) => before[column] !== after[column]));
  }

  private change(op: 'i' | 'u' | 'd', row: RowImage, before: RowImage | null, seq: bigint): CanonicalChange {
    const { database, table } = this.table;
    const change: CanonicalChange = {
      database,
      table,
      op,
      ts: this.commitTs,
      seq,
      eventMs: this.eventMs,
      row,
      before,
      types: this.types,
    };
    if (this.key.length > 0) change.key = this.key;
    return change;
  }
}
