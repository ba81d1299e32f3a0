import type { RowImage } from '../types.js';
import { hexText, tryUtf8, unsignedText } from './bytes.js';
import type { ColumnOptions } from './column-options.js';
import type { DrainerTable } from './drainer-message.js';
import { doubleText, enumText, float32Text, isBinaryType, memberType, setText } from './mysql-text.js';
import { DecodeProblem } from './problem.js';
import type { WireReader } from './wire.js';
import type { TimestampZone } from './zone.js';

export interface RowSettings {
  zone: TimestampZone;
  columns: ColumnOptions;
  /** What to do with text that is not UTF-8: refuse the record, or give `hex:` digits. */
  invalidText: 'refuse' | 'hex';
}

interface ColumnPlan {
  name: string;
  mysqlType: string;
  flen: number | null;
  decimal: number | null;
  binary: boolean;
  generated: boolean;
  members: readonly string[] | undefined;
  unsigned: boolean;
}

const INTEGERS = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint']);
const WITH_LENGTH = new Set(['char', 'varchar', 'binary', 'varbinary', 'bit']);
const WITH_FRACTION = new Set(['datetime', 'timestamp', 'time']);

/** Decodes the rows of one table. Values by type: change-log-formats 1.4. */
export class RowDecoder {
  private readonly plan: ColumnPlan[];

  constructor(
    private readonly table: DrainerTable,
    private readonly settings: RowSettings,
  ) {
    const { database, table: name } = table;
    this.plan = table.columns.map((column) => ({
      name: column.name,
      mysqlType: column.mysqlType,
      flen: column.flen,
      decimal: column.decimal,
      binary: isBinaryType(column.mysqlType),
      generated: settings.columns.generated(database, name, column.name),
      members: settings.columns.members(database, name, column.name),
      unsigned: false,
    }));
  }

  /** One image. Columns belong to values by position. @throws DecodeProblem */
  row(reader: WireReader): RowImage {
    const row: RowImage = {};
    let at = 0;
    while (reader.next()) {
      if (reader.field !== 1) {
        reader.skip();
        continue;
      }
      const column = this.plan[at++];
      if (column === undefined) break;
      const value = this.cell(reader.message(), column);
      // The producer writes NULL for generated columns that it did not evaluate (1.8 trap 2): not known, not NULL.
      if (value === null && column.generated) continue;
      row[column.name] = value;
    }
    if (at !== this.plan.length) {
      const where = `${this.table.database}.${this.table.table}`;
      throw new DecodeProblem(
        'malformed',
        `a row of ${where} has not one value for each of ${this.plan.length} columns`,
      );
    }
    return row;
  }

  /** Types of the columns; complete once all rows are read, since only a value shows that a column is unsigned. */
  types(): Record<string, string> {
    const types: Record<string, string> = {};
    for (const column of this.plan) types[column.name] = typeText(column);
    return types;
  }

  private cell(reader: WireReader, column: ColumnPlan): string | null {
    let isNull = false;
    let value: string | null = null;
    while (reader.next()) {
      switch (reader.field) {
        case 1:
          isNull = reader.bool();
          break;
        case 2:
          value = reader.int64Text();
          break;
        case 3:
          value = this.unsigned(reader.uint64Text(), column);
          break;
        case 4: {
          const number = reader.double();
          value = column.mysqlType === 'float' ? float32Text(number) : doubleText(number);
          break;
        }
        case 5:
        case 6:
          value = this.bytes(reader.view(), column);
          break;
        default:
          reader.skip();
      }
    }
    if (isNull) return null;
    if (value === null) {
      throw new DecodeProblem('malformed', `column ${column.name} has neither a value nor is_null`);
    }
    return value;
  }

  private unsigned(text: string, column: ColumnPlan): string {
    if (column.mysqlType === 'enum') return enumText(text, column.members);
    if (column.mysqlType === 'set') return setText(text, column.members);
    column.unsigned = true;
    return text;
  }

  private bytes(bytes: Buffer, column: ColumnPlan): string {
    if (column.binary) return hexText(bytes);
    if (column.mysqlType === 'bit') return unsignedText(bytes);
    const text = tryUtf8(bytes);
    if (text === null) {
      if (this.settings.invalidText === 'hex') return hexText(bytes);
      const where = `${this.table.database}.${this.table.table}.${column.name}`;
      throw new DecodeProblem(
        'invalid-utf8',
        `${where} (${column.mysqlType}) holds text that is not UTF-8; format option invalidText: hex keeps its bytes`,
      );
    }
    return column.mysqlType === 'timestamp' ? this.settings.zone(text) : text;
  }
}

function typeText(column: ColumnPlan): string {
  const { mysqlType, flen, decimal, members } = column;
  if (INTEGERS.has(mysqlType)) return column.unsigned ? `${mysqlType} unsigned` : mysqlType;
  if (members !== undefined && (mysqlType === 'enum' || mysqlType === 'set'))
    return memberType(mysqlType, members);
  if (flen !== null && flen > 0) {
    if (WITH_LENGTH.has(mysqlType)) return `${mysqlType}(${flen})`;
    if (mysqlType === 'decimal' && decimal !== null && decimal >= 0) return `decimal(${flen},${decimal})`;
  }
  if (WITH_FRACTION.has(mysqlType) && decimal !== null && decimal > 0) return `${mysqlType}(${decimal})`;
  return mysqlType;
}
