import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMongoShakeDecoder } from '../../../changelog/decoders/mongoshake.js';
import type { CanonicalChange } from '../../../changelog/types.js';
import { fixtureCases, loadFixture } from '../../fixtures/load.js';
import { canonical, foldDocuments, withoutTypes } from './mongo-support.js';
import { decodeFixture, decodesOrRefuses, record, undecodable } from './support.js';

const decode = createMongoShakeDecoder();
const KINDS = ['mongoshake-raw', 'mongoshake-bson', 'mongoshake-json', 'mongoshake-json-ext'];

describe.each(KINDS)('%s fixtures', (format) => {
  const lossy = format === 'mongoshake-json';
  const shown = (text: string | null): string =>
    lossy && text !== null ? JSON.stringify(withoutTypes(JSON.parse(text) as never)) : String(text);

  it.each(fixtureCases(format))('%s', (name) => {
    const fixture = loadFixture(format, name);
    const decoder = createMongoShakeDecoder({ docId: 'typed' });
    const decoded = decodeFixture(decoder, fixture.messages);
    const changes = decoded.flatMap(({ result }) => result.changes);
    const wanted = fixture.expected.filter((entry) => ['i', 'u', 'd'].includes(entry.op));

    // Partitions are listed one after the other; `expected` is in source order. Ties keep their order in both.
    const byTime = (a: { order: string }, b: { order: string }) => {
      const [x, y] = [BigInt(a.order), BigInt(b.order)];
      return x < y ? -1 : x > y ? 1 : 0;
    };
    const kindOf = (change: CanonicalChange): string => {
      if (change.patch === undefined) return 'whole';
      return String((JSON.parse(change.patch) as { kind: string }).kind);
    };
    const kinds: Record<string, string> = {
      modifiers: 'set-unset',
      diff_v2: 'diff',
      unknown_empty: 'unknown',
      replacement: 'whole',
      full_document_in_set: 'whole',
    };
    const got = changes
      .map((change) => ({
        op: change.op,
        table: `${change.database}.${change.table}`,
        order: String(change.ts),
        kind: change.op === 'u' ? kindOf(change) : 'whole',
        doc: shown(change.row.doc ?? null),
      }))
      .sort(byTime);
    expect(got).toEqual(
      wanted
        .map((entry) => ({
          op: entry.op,
          table: entry.table,
          order: String(entry.order),
          kind: entry.op === 'u' ? (kinds[String(entry.update_kind)] ?? '?') : 'whole',
          doc: shown(wholeDocument(entry)),
        }))
        .sort(byTime),
    );

    const ddl = decoded.flatMap(({ result }) => result.ddl ?? []);
    expect(
      ddl.map(({ database, table, ts, kind }) => [
        table === null ? database : `${database}.${table}`,
        String(ts),
        kind,
      ]),
    ).toEqual(
      fixture.expected
        .filter((entry) => entry.op === 'ddl')
        .map((entry) => [entry.table, entry.order, entry.command]),
    );
    checkStates(changes, wanted);
    checkFinal(changes, fixture.final_docs);
  });

  function wholeDocument(entry: Record<string, unknown>): string | null {
    if (entry.op === 'd') return null;
    if (entry.after !== undefined) return canonical(entry.after);
    return entry.update_kind === 'replacement' ? canonical(entry.state_after) : null;
  }

  /** `state_after`, but not where the log is replayed, out of order or lost something. */
  function checkStates(changes: CanonicalChange[], wanted: Record<string, unknown>[]): void {
    if (wanted.some((entry) => entry.replay === true || entry.update_kind === 'unknown_empty')) return;
    const states = new Map(wanted.map((entry) => [`${String(entry.order)} ${String(entry.table)}`, entry]));
    if (states.size !== wanted.length) return;
    foldDocuments(changes, (change, doc) => {
      const entry = states.get(`${String(change.ts)} ${change.database}.${change.table}`);
      if (entry?.state_after === undefined) return;
      expect(shown(doc)).toBe(shown(entry.state_after === null ? null : canonical(entry.state_after)));
    });
  }

  function checkFinal(changes: CanonicalChange[], final: unknown): void {
    // Default JSON cannot tell some of the ids in `id_kinds` apart.
    if (final === undefined || lossy) return;
    const docs = [...foldDocuments(changes).values()].map(shown).sort();
    const wanted = (final as { doc: unknown }[]).map(({ doc }) => shown(canonical(doc))).sort();
    expect(docs).toEqual(wanted);
  }
});

const json = (entry: Record<string, unknown>) =>
  record(Buffer.from(JSON.stringify({ ts: { T: 1709251200, I: 3 }, op: 'i', ns: 'a.b', ...entry })));

describe('mongoshake updates', () => {
  const patchOf = (o: unknown, o2: unknown = { _id: 1 }): unknown => {
    const [change] = decode(json({ op: 'u', o, o2 })).changes;
    return change?.patch === undefined ? change?.row.doc : JSON.parse(change.patch);
  };
  const id = { $numberInt: '1' };

  it('reads modifiers, with or without $v', () => {
    const wanted = { kind: 'set-unset', id, truncate: [], set: [['a.0.b', 'x']], unset: ['c'] };
    expect(patchOf({ $v: 1, $set: { 'a.0.b': 'x' }, $unset: { c: true } })).toEqual(wanted);
    expect(patchOf({ $set: { 'a.0.b': 'x' }, $unset: { c: 1 } })).toEqual(wanted);
  });

  it('takes a $set with _id for the whole document', () => {
    expect(patchOf({ $set: { _id: 1, a: 2 } })).toBe('{"_id":{"$numberInt":"1"},"a":{"$numberInt":"2"}}');
  });

  it('keeps a replacement that looks like a diff', () => {
    expect(patchOf({ _id: 1, diff: { u: 'x' }, $v: 'y' })).toBe(
      '{"_id":{"$numberInt":"1"},"diff":{"u":"x"},"$v":"y"}',
    );
  });

  it('says that an update without content is unknown, and does not wipe the document', () => {
    expect(patchOf([], [{ Key: '_id', Value: 1 }])).toMatchObject({ kind: 'unknown', id });
    expect(patchOf({})).toMatchObject({ kind: 'unknown' });
    expect(patchOf({ $v: 2, diff: { b: { x: 1 } } })).toMatchObject({ kind: 'unknown' });
    expect(patchOf({ $v: 2, diff: { sx: { sy: { zz: 1 } } } })).toMatchObject({ kind: 'unknown' });
    expect(patchOf({ $v: 1, $inc: { n: 1 } })).toMatchObject({ kind: 'unknown' });
  });

  it('reads the three shapes of json', () => {
    const docOf = (entry: Record<string, unknown>) => decode(json(entry)).changes[0];
    const nameValue = docOf({
      ts: { T: 1709251200, I: 3 },
      o: [
        { Name: '_id', Value: '65e1800000000000000000a1' },
        { Name: 'sub', Value: [{ Name: 'n', Value: 1 }] },
      ],
    });
    expect(nameValue?.row.doc).toBe('{"_id":"65e1800000000000000000a1","sub":{"n":{"$numberInt":"1"}}}');
    const packed = Buffer.from(
      '{"ts":7341178004648755203,"op":"d","ns":"a.b","o":[{"Name":"_id","Value":1}]}',
    );
    expect(decode(record(packed)).changes[0]?.ts).toBe(7341178004648755203n);
    const keyValue = docOf({
      o: [
        { Key: '_id', Value: 1 },
        { Key: 'at', Value: { T: 1, I: 2 } },
        { Key: 'bin', Value: { Subtype: 0, Data: 'AAE=' } },
        { Key: 'list', Value: [1, 'x'] },
      ],
    });
    expect(keyValue?.row.doc).toBe(
      '{"_id":{"$numberInt":"1"},"at":{"$timestamp":{"t":1,"i":2}},' +
        '"bin":{"$binary":{"base64":"AAE=","subType":"00"}},"list":[{"$numberInt":"1"},"x"]}',
    );
    const plain = docOf({ op: 'u', o2: { _id: 1 }, o: [{ Key: '$set', Value: { d: { I: 2, T: 1 } } }] });
    expect(JSON.parse(plain?.patch ?? '')).toMatchObject({
      set: [['d', { I: { $numberInt: '2' }, T: { $numberInt: '1' } }]],
    });
  });

  it('keeps 64-bit values and the order of number-like fields', () => {
    const value = Buffer.from(
      '{"ts":{"$timestamp":{"t":1,"i":2}},"op":"i","ns":"a.b","o":{"_id":{"$numberLong":"9223372036854775807"},"b":1,"2":9007199254740993,"1":0}}',
    );
    expect(decode(record(value)).changes[0]?.row).toEqual({
      doc_id: '9223372036854775807',
      doc:
        '{"_id":{"$numberLong":"9223372036854775807"},"b":{"$numberInt":"1"},' +
        '"2":{"$numberLong":"9007199254740993"},"1":{"$numberInt":"0"}}',
    });
  });

  it('takes no change from chunk moves, noops and ends of transactions', () => {
    expect(decode(json({ fromMigrate: true, o: { _id: 1 } }))).toEqual({ changes: [] });
    expect(decode(json({ op: 'n', ns: '', o: { msg: 'x' } }))).toEqual({ changes: [] });
    expect(decode(json({ op: 'c', ns: 'admin.$cmd', o: { abortTransaction: 1 } }))).toEqual({ changes: [] });
  });

  it('refuses what it cannot place: no _id, no document, a prepared transaction', () => {
    const reason = (entry: Record<string, unknown>) =>
      undecodable(() => decode(json(entry))).attributes.reason;
    expect(reason({ op: 'd', o: {} })).toBe('no-key');
    expect(reason({ op: 'u', o: { a: 1 }, o2: { _id: 1 } })).toBe('malformed');
    expect(reason({ op: 'c', ns: 'admin.$cmd', o: { applyOps: [], prepare: true } })).toBe(
      'prepared-transaction',
    );
    expect(reason({ op: 'x', o: {} })).toBe('malformed');
  });

  it('refuses truncated and random bytes with RecordUndecodable', () => {
    for (const format of KINDS) {
      const value = loadFixture(format, 'types_insert').messages.at(-1)?.value ?? Buffer.alloc(0);
      const first = loadFixture(format, 'types_insert').messages[0]?.value ?? Buffer.alloc(0);
      for (const bytes of [value, first.subarray(0, 1500)]) {
        for (let length = 0; length < bytes.length; length++) {
          if (format === 'mongoshake-raw') decodesOrRefuses(() => decode(record(bytes.subarray(0, length))));
          else undecodable(() => decode(record(bytes.subarray(0, length))));
        }
      }
      fc.assert(
        fc.property(fc.nat(value.length - 1), fc.nat(255), (at, byte) => {
          const damaged = Buffer.from(value);
          damaged[at] = byte;
          decodesOrRefuses(() => decode(record(damaged)));
        }),
        { numRuns: 300 },
      );
    }
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100 }),
        fc.constantFrom('raw', 'bson', 'json', 'auto'),
        (bytes, message) => {
          decodesOrRefuses(() => createMongoShakeDecoder({ message })(record(Buffer.from(bytes))));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('answers nothing to a tombstone', () => {
    expect(decode(record(null))).toEqual({ changes: [] });
  });
});
