import type { Document, Ejson } from './ejson.js';
import { ejsonText, Scalar } from './ejson.js';
import { parseEjson } from './ejson-read.js';
import { applyDiff, MAX_BACKFILL } from './mongo-diff.js';
import { DecodeProblem } from './problem.js';

/*
 * A patch is what a partial update does to the stored document, as one line of JSON:
 *
 *   {"kind":"set-unset","id":ID,"truncate":[[PATH,N],...],"set":[[PATH,VALUE],...],"unset":[PATH,...]}
 *   {"kind":"diff","id":ID,"diff":DIFF}
 *   {"kind":"unknown","id":ID,"reason":"..."}
 *
 * ID and VALUE are canonical Extended JSON v2, N is a number, DIFF is the `diff` of a `$v: 2` oplog entry in canonical
 * Extended JSON. PATH is a dotted text, in which a number is an index if it meets an array and a field's name otherwise,
 * or a list of names and indexes where the source told them apart. All members are always there, but `id` is missing
 * where it is not known. `set-unset` is applied in the order truncate, set, unset. `unknown` changes nothing: the
 * source has to be read again.
 */

export type PatchPath = string | (string | number)[];

export interface SetUnset {
  truncate: [PatchPath, number][];
  set: [PatchPath, Ejson][];
  unset: PatchPath[];
}

export function setUnsetPatch(id: Ejson | undefined, changes: SetUnset): string {
  const path = (value: PatchPath) => JSON.stringify(value);
  const truncate = changes.truncate.map(([where, size]) => `[${path(where)},${size}]`);
  const set = changes.set.map(([where, value]) => `[${path(where)},${ejsonText(value)}]`);
  const unset = changes.unset.map(path);
  return `{"kind":"set-unset",${idMember(id)}"truncate":[${truncate.join(',')}],"set":[${set.join(',')}],"unset":[${unset.join(',')}]}`;
}

export function diffPatch(id: Ejson | undefined, diff: Document): string {
  return `{"kind":"diff",${idMember(id)}"diff":${ejsonText(diff)}}`;
}

export function unknownPatch(reason: string, id?: Ejson): string {
  return `{"kind":"unknown",${idMember(id)}"reason":${JSON.stringify(reason)}}`;
}

function idMember(id: Ejson | undefined): string {
  return id === undefined ? '' : `"id":${ejsonText(id)},`;
}

/**
 * The stored document after a patch. Only what the patch names changes; the order of the other fields is kept and new
 * ones go to the end. Without a stored document the result is what the patch alone tells, beginning with its `_id`.
 * A path that cannot be walked (through a scalar, as on replays) leaves the document alone, as the server does when it
 * applies its oplog. @throws DecodeProblem if one of the texts is not what it should be
 */
export function applyPatch(docEjsonText: string | null, patchText: string): string {
  return applyPatches(docEjsonText, [patchText]);
}

/** As applyPatch for several patches, oldest first; the document is parsed only once. */
export function applyPatches(docEjsonText: string | null, patchTexts: readonly string[]): string {
  let document = docEjsonText === null ? null : asDocument(parseEjson(docEjsonText), 'stored document');
  for (const text of patchTexts) {
    const patch = asDocument(parseEjson(text), 'patch');
    document = applyOne(document ?? emptyDocument(patch), patch);
  }
  return ejsonText(document ?? new Map());
}

function emptyDocument(patch: Document): Document {
  const id = patch.get('id');
  return new Map(id === undefined ? [] : [['_id', id]]);
}

function applyOne(document: Document, patch: Document): Document {
  switch (patch.get('kind')) {
    case 'set-unset':
      for (const [where, size] of pairs(patch.get('truncate')))
        truncate(document, steps(where), integer(size));
      for (const [where, value] of pairs(patch.get('set'))) setAt(document, steps(where), value);
      for (const where of list(patch.get('unset'))) unsetAt(document, steps(where));
      return document;
    case 'diff':
      return applyDiff(document, asDocument(patch.get('diff'), 'diff'));
    case 'unknown':
      return document;
    default:
      throw new DecodeProblem('malformed', 'patch of an unknown kind');
  }
}

function asDocument(value: Ejson | undefined, what: string): Document {
  if (!(value instanceof Map)) throw new DecodeProblem('malformed', `${what} is not a document`);
  return value;
}

function list(value: Ejson | undefined): Ejson[] {
  if (!Array.isArray(value)) throw new DecodeProblem('malformed', 'patch member is not a list');
  return value;
}

function pairs(value: Ejson | undefined): [Ejson, Ejson][] {
  return list(value).map((pair) => {
    const [where, content] = list(pair);
    if (where === undefined || content === undefined)
      throw new DecodeProblem('malformed', 'patch entry is not a pair');
    return [where, content];
  });
}

/** Bare numbers of the grammar were read as int32. */
function integer(value: Ejson): number {
  const digits = value instanceof Scalar ? /^\{"\$numberInt":"(\d+)"\}$/.exec(value.text)?.[1] : undefined;
  if (digits === undefined) throw new DecodeProblem('malformed', 'patch entry is not a whole number');
  return Number(digits);
}

function steps(where: Ejson): (string | number)[] {
  if (typeof where === 'string') return where.split('.');
  return list(where).map((step) => (typeof step === 'string' ? step : integer(step)));
}

type Container = Document | Ejson[];

const isContainer = (value: Ejson | undefined): value is Container =>
  value instanceof Map || Array.isArray(value);

/** Index of an array that a step means, or -1. */
function indexOf(step: string | number): number {
  if (typeof step === 'number') return step;
  return /^\d{1,9}$/.test(step) ? Number(step) : -1;
}

function child(container: Container, step: string | number): Ejson | undefined {
  return Array.isArray(container) ? container[indexOf(step)] : container.get(String(step));
}

function put(container: Container, step: string | number, value: Ejson): void {
  if (!Array.isArray(container)) {
    container.set(String(step), value);
    return;
  }
  const index = indexOf(step);
  if (index < 0 || index - container.length > MAX_BACKFILL) return;
  while (container.length < index) container.push(null);
  container[index] = value;
}

function setAt(document: Document, path: (string | number)[], value: Ejson): void {
  let container: Container = document;
  for (const step of path.slice(0, -1)) {
    let next = child(container, step);
    if (next === undefined) {
      if (Array.isArray(container) && indexOf(step) < 0) return;
      next = new Map();
      put(container, step, next);
    }
    if (!isContainer(next)) return;
    container = next;
  }
  put(container, path.at(-1) ?? '', value);
}

/** The container that holds the last step of a path, or null if there is none. */
function holder(document: Document, path: (string | number)[]): Container | null {
  let container: Container = document;
  for (const step of path.slice(0, -1)) {
    const next = child(container, step);
    if (!isContainer(next)) return null;
    container = next;
  }
  return container;
}

function unsetAt(document: Document, path: (string | number)[]): void {
  const container = holder(document, path);
  const last = path.at(-1) ?? '';
  if (container instanceof Map) container.delete(String(last));
  // The server leaves null where an element was.
  else if (container !== null && child(container, last) !== undefined) put(container, last, null);
}

function truncate(document: Document, path: (string | number)[], size: number): void {
  const container = holder(document, path);
  const array = container === null ? undefined : child(container, path.at(-1) ?? '');
  if (Array.isArray(array) && array.length > size) array.length = size;
}
