import type { DecodedRecord } from '../types.js';
import type { Document, Ejson } from './ejson.js';
import { ejsonText } from './ejson.js';
import type { MongoEffect, MongoTime } from './mongo-change.js';
import { mongoChange, seqOf, tsOf } from './mongo-change.js';
import { diffProblem } from './mongo-diff.js';
import type { DocIdMode } from './mongo-id.js';
import { idOf } from './mongo-id.js';
import { diffPatch, setUnsetPatch, unknownPatch } from './mongo-patch.js';
import { DecodeProblem } from './problem.js';

/** An oplog entry in whatever form it came (change-log-formats 4.2). */
export interface OplogEntry {
  time: MongoTime;
  op: string;
  ns: string;
  o: Document;
  o2: Document | null;
  documentKey: Document | null;
  fromMigrate: boolean;
}

/** Commands of transactions; their effect came with the operations. */
const SILENT_COMMANDS = new Set(['commitTransaction', 'abortTransaction']);
const MAX_NESTING = 4;

/** Turns the oplog entries of one Kafka record into changes and DDL. */
export class OplogTranslator {
  private index = 0;
  readonly result: DecodedRecord = { changes: [] };

  constructor(
    private readonly offset: number,
    private readonly mode: DocIdMode,
  ) {}

  /** @throws DecodeProblem */
  add(entry: OplogEntry, nesting = 0): void {
    // A chunk that moves between shards is written to the oplogs of both, but no document changes.
    if (entry.fromMigrate) return;
    switch (entry.op) {
      case 'i':
        if (splitNamespace(entry.ns)[1] === 'system.indexes') this.ddl(entry, 'createIndexes', null);
        else this.change(entry, idOf(entry.o), { op: 'i', doc: entry.o });
        break;
      case 'u': {
        const id = idOf(entry.o2, entry.documentKey, entry.o);
        this.change(entry, id, updateEffect(entry.o, id));
        break;
      }
      case 'd':
        this.change(entry, idOf(entry.o, entry.documentKey), { op: 'd' });
        break;
      case 'c':
        this.command(entry, nesting);
        break;
      case 'n':
        break;
      default:
        throw new DecodeProblem('malformed', `oplog op ${JSON.stringify(entry.op)}`);
    }
  }

  private change(entry: OplogEntry, id: Ejson | undefined, effect: MongoEffect): void {
    const [database, collection] = splitNamespace(entry.ns);
    const place = {
      database,
      collection,
      ts: tsOf(entry.time),
      seq: seqOf(this.offset, this.index++),
      eventMs: entry.time.seconds * 1000,
    };
    this.result.changes.push(mongoChange(place, id, effect, this.mode));
  }

  private command(entry: OplogEntry, nesting: number): void {
    const [name, argument] = [...entry.o][0] ?? [];
    if (name === undefined) throw new DecodeProblem('malformed', 'command without a name');
    if (SILENT_COMMANDS.has(name)) return;
    if (name === 'applyOps') {
      this.applyOps(entry, argument, nesting);
      return;
    }
    this.ddl(entry, name, argument);
  }

  private ddl(entry: OplogEntry, kind: string, argument: Ejson | undefined): void {
    const [database, table] = commandTarget(splitNamespace(entry.ns)[0], kind, argument);
    const [ts, sql] = [tsOf(entry.time), ejsonText(entry.o)];
    (this.result.ddl ??= []).push({ database, table, ts, kind, sql });
  }

  /** MongoShake up to v2.7.1 forwards transactions packed (4.6): all inner operations have the time of the outside. */
  private applyOps(entry: OplogEntry, operations: Ejson | undefined, nesting: number): void {
    if (nesting >= MAX_NESTING) throw new DecodeProblem('malformed', 'applyOps nested too deeply');
    if (entry.o.get('prepare') === true) {
      throw new DecodeProblem(
        'prepared-transaction',
        'operations of a prepared transaction: the record does not tell whether it was committed',
      );
    }
    if (!Array.isArray(operations)) throw new DecodeProblem('malformed', 'applyOps is not a list');
    for (const operation of operations) {
      if (!(operation instanceof Map))
        throw new DecodeProblem('malformed', 'applyOps entry is not a document');
      this.add(innerEntry(entry.time, operation), nesting + 1);
    }
  }
}

function innerEntry(time: MongoTime, operation: Document): OplogEntry {
  const document = (name: string): Document | null => {
    const value = operation.get(name);
    return value instanceof Map ? value : emptyArray(value) ? new Map() : null;
  };
  const [op, ns, o] = [operation.get('op'), operation.get('ns'), document('o')];
  if (typeof op !== 'string' || typeof ns !== 'string' || o === null) {
    throw new DecodeProblem('malformed', 'applyOps entry without op, ns or o');
  }
  const fromMigrate = operation.get('fromMigrate') === true;
  return { time, op, ns, o, o2: document('o2'), documentKey: document('documentKey'), fromMigrate };
}

/** MongoShake's Key/Value JSON writes an empty document as `[]`. */
function emptyArray(value: Ejson | undefined): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** What `o` of an update means, decided in the order of change-log-formats 4.5 and 4.7. */
export function updateEffect(o: Document, id: Ejson | undefined): MongoEffect {
  const first = o.keys().next().value;
  // An array that was only truncated is lost on the way through MongoShake: no replacement with nothing (4.9 trap 5).
  if (first === undefined) {
    return { op: 'u', patch: unknownPatch('the update came without its content (o is empty)', id) };
  }
  if (o.has('_id')) return { op: 'u', doc: o };
  if (first === '$v' && isTwo(o.get('$v'))) {
    const diff = o.get('diff');
    const problem = diffProblem(diff);
    if (problem !== null || !(diff instanceof Map)) {
      return { op: 'u', patch: unknownPatch(problem ?? 'an update without its diff', id) };
    }
    return { op: 'u', patch: diffPatch(id, diff) };
  }
  if (first.startsWith('$')) return modifiers(o, id);
  throw new DecodeProblem('malformed', 'update that is neither modifiers, a diff nor a document with _id');
}

function isTwo(value: Ejson | undefined): boolean {
  return /^\{"\$number(?:Int|Long|Double)":"2(?:\.0)?"\}$/.test(ejsonText(value ?? null));
}

function modifiers(o: Document, id: Ejson | undefined): MongoEffect {
  const section = (name: string): Document => {
    const value = o.get(name);
    if (value === undefined || emptyArray(value)) return new Map<string, Ejson>();
    if (!(value instanceof Map)) throw new DecodeProblem('malformed', `${name} is not a document`);
    return value;
  };
  const [set, unset] = [section('$set'), section('$unset')];
  const other = [...o.keys()].find((name) => name !== '$v' && name !== '$set' && name !== '$unset');
  if (other !== undefined) {
    return { op: 'u', patch: unknownPatch(`an update operator that no oplog has: ${other}`, id) };
  }
  // A `$set` with `_id` is the whole document of a change stream: merging it would keep removed fields (4.7, #985).
  if (set.has('_id')) return { op: 'u', doc: set };
  return { op: 'u', patch: setUnsetPatch(id, { truncate: [], set: [...set], unset: [...unset.keys()] }) };
}

/** `db.coll`; a collection's name may have dots. */
export function splitNamespace(ns: string): [string, string] {
  const dot = ns.indexOf('.');
  if (dot <= 0) throw new DecodeProblem('malformed', `namespace ${JSON.stringify(ns)}`);
  return [ns.slice(0, dot), ns.slice(dot + 1)];
}

function commandTarget(database: string, name: string, argument: Ejson | undefined): [string, string | null] {
  if (typeof argument !== 'string' || name === 'dropDatabase') return [database, null];
  return name === 'renameCollection' ? splitNamespace(argument) : [database, argument];
}
