import { BSON, EJSON } from 'bson';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBson } from '../../../changelog/decoders/bson-read.js';
import { ejsonText } from '../../../changelog/decoders/ejson.js';
import { parseEjson } from '../../../changelog/decoders/ejson-read.js';
import { docId } from '../../../changelog/decoders/mongo-id.js';
import {
  applyPatch,
  applyPatches,
  setUnsetPatch,
  unknownPatch,
} from '../../../changelog/decoders/mongo-patch.js';

type Value = null | boolean | string | Value[] | { [name: string]: Value };
type Doc = { [name: string]: Value };

const isDoc = (value: Value | undefined): value is Doc =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (value: unknown): string => JSON.stringify(value);
const parse = (json: string): unknown => JSON.parse(json);

const { value: anyValue } = fc.letrec<{ value: Value; doc: Doc }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom<Value>(null, true, 'x', 'y'),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('doc'),
  ),
  doc: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'sa', 'd'), tie('value'), {
    maxKeys: 4,
    noNullPrototype: true,
  }),
}));
const anyDoc = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'sa', 'u'), anyValue, {
  maxKeys: 5,
  noNullPrototype: true,
});

/** The oplog's `$v: 2` diff from one document to another, as the grammar of change-log-formats 4.5 says. */
function documentDiff(from: Doc, to: Doc): Doc {
  const diff: Doc = {};
  const section = (name: string): Doc => (diff[name] ??= {}) as Doc;
  for (const name of Object.keys(from)) if (!(name in to)) section('d')[name] = false;
  for (const [name, value] of Object.entries(to)) {
    const old = from[name];
    if (old === undefined) section('i')[name] = value;
    else if (text(old) !== text(value)) {
      const sub = subDiff(old, value);
      if (sub === null) section('u')[name] = value;
      else diff[`s${name}`] = sub;
    }
  }
  return diff;
}

function subDiff(from: Value, to: Value): Doc | null {
  if (isDoc(from) && isDoc(to)) return documentDiff(from, to);
  if (!Array.isArray(from) || !Array.isArray(to)) return null;
  const diff: Doc = { a: true };
  if (to.length < from.length) diff.l = { $numberInt: String(to.length) };
  to.forEach((value, index) => {
    const old = from[index];
    if (old !== undefined && text(old) === text(value)) return;
    const sub = old === undefined ? null : subDiff(old, value);
    diff[sub === null ? `u${index}` : `s${index}`] = sub ?? value;
  });
  return diff;
}

/** A change stream's updateDescription from one document to another. */
function description(from: Value, to: Value, path: string, out: Parameters<typeof setUnsetPatch>[1]): void {
  const at = (step: string | number) => (path === '' ? String(step) : `${path}.${step}`);
  if (isDoc(from) && isDoc(to)) {
    for (const name of Object.keys(from)) if (!(name in to)) out.unset.push(at(name));
    for (const [name, value] of Object.entries(to)) {
      if (from[name] === undefined) out.set.push([at(name), parseEjson(text(value))]);
      else description(from[name], value, at(name), out);
    }
  } else if (Array.isArray(from) && Array.isArray(to)) {
    if (to.length < from.length) out.truncate.push([path, to.length]);
    to.forEach((value, index) => {
      const old = from[index];
      if (old === undefined) out.set.push([at(index), parseEjson(text(value))]);
      else description(old, value, at(index), out);
    });
  } else if (text(from) !== text(to)) out.set.push([path, parseEjson(text(to))]);
}

describe('applyPatch', () => {
  it('turns any document into any other by its diff, and does so again on a replay', () => {
    fc.assert(
      fc.property(anyDoc, anyDoc, (from, to) => {
        const patch = text({ kind: 'diff', diff: documentDiff(from, to) });
        const result = applyPatch(text(from), patch);
        expect(parse(result)).toEqual(to);
        expect(parse(applyPatch(result, patch))).toEqual(to);
      }),
      { numRuns: 500 },
    );
  });

  it('turns any document into any other by truncate, set and unset', () => {
    fc.assert(
      fc.property(anyDoc, anyDoc, (from, to) => {
        const changes = { truncate: [], set: [], unset: [] };
        description(from, to, '', changes);
        const patch = setUnsetPatch(undefined, changes);
        const result = applyPatch(text(from), patch);
        expect(parse(result)).toEqual(to);
        expect(parse(applyPatch(result, patch))).toEqual(to);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws on any document, whatever diff it was made for', () => {
    fc.assert(
      fc.property(anyDoc, anyDoc, anyDoc, (document, from, to) => {
        const diff = text({ kind: 'diff', diff: documentDiff(from, to) });
        const changes = { truncate: [], set: [], unset: [] };
        description(from, to, '', changes);
        const one = applyPatch(applyPatch(text(document), diff), setUnsetPatch(undefined, changes));
        expect(applyPatches(text(document), [diff, setUnsetPatch(undefined, changes)])).toBe(one);
      }),
      { numRuns: 300 },
    );
  });

  const diff = (from: string, change: string) => applyPatch(from, `{"kind":"diff","diff":${change}}`);
  const set = (from: string | null, pairs: string, more = '"truncate":[],"unset":[]') =>
    applyPatch(from, `{"kind":"set-unset",${more},"set":${pairs}}`);

  it('keeps the order of fields; inserted ones go to the end, even if they were there', () => {
    expect(diff('{"a":"1","b":"2","c":"3"}', '{"u":{"b":"x"},"i":{"a":"y"}}')).toBe(
      '{"b":"x","c":"3","a":"y"}',
    );
    expect(diff('{"z":"1","2":"b","1":"a"}', '{"d":{"z":false}}')).toBe('{"2":"b","1":"a"}');
    expect(set('{"b":"1","a":"2"}', '[["c","n"],["b","x"]]')).toBe('{"b":"x","a":"2","c":"n"}');
  });

  it('makes a value of the wrong type null where a diff goes into it (4.5)', () => {
    expect(diff('{"a":"text"}', '{"sa":{"u":{"b":"x"}}}')).toBe('{"a":null}');
    expect(diff('{"a":{"b":"x"}}', '{"sa":{"a":true,"u0":"x"}}')).toBe('{"a":null}');
    expect(diff('{"a":["x"]}', '{"sa":{"u":{"b":"x"}}}')).toBe('{"a":null}');
    expect(diff('{}', '{"sa":{"u":{"b":"x"}}}')).toBe('{}');
  });

  it('pads and cuts arrays', () => {
    expect(diff('{"a":["x"]}', '{"sa":{"a":true,"u3":"y"}}')).toBe('{"a":["x",null,null,"y"]}');
    expect(diff('{"a":["x","y"]}', '{"sa":{"a":true,"l":{"$numberInt":"1"}}}')).toBe('{"a":["x"]}');
    expect(diff('{"a":["x"]}', '{"sa":{"a":true,"l":{"$numberInt":"3"}}}')).toBe('{"a":["x",null,null]}');
    expect(diff('{"a":[]}', '{"sa":{"a":true,"s1":{"u":{"b":"x"}}}}')).toBe('{"a":[null,null]}');
    expect(set('{"a":["x"]}', '[["a.2","y"]]')).toBe('{"a":["x",null,"y"]}');
    expect(set('{"a":["x","y","z"]}', '[["a.1","n"]]', '"truncate":[["a",2]],"unset":["a.0"]')).toBe(
      '{"a":[null,"n"]}',
    );
  });

  it('tells the field "0" from the index 0 by what it meets, or as the source says', () => {
    expect(set('{"a":{"0":"x"}}', '[["a.0","y"]]')).toBe('{"a":{"0":"y"}}');
    expect(set('{"a":["x"]}', '[["a.0","y"]]')).toBe('{"a":["y"]}');
    expect(set('{}', '[["a.0","y"]]')).toBe('{"a":{"0":"y"}}');
    expect(set('{"a.b":"x"}', '[[["a.b"],"y"]]')).toBe('{"a.b":"y"}');
    expect(set('{"a":["x"]}', '[[["a",0],"y"]]')).toBe('{"a":["y"]}');
  });

  it('leaves the document alone where a path goes through a scalar', () => {
    expect(set('{"a":"x"}', '[["a.b","y"]]', '"truncate":[["a.c",0]],"unset":["a.b","q.r"]')).toBe(
      '{"a":"x"}',
    );
  });

  it('keeps values exact and typed', () => {
    const doc =
      '{"n":{"$numberLong":"9223372036854775807"},"d":{"$numberDecimal":"1.50"},"f":{"$numberDouble":"5.0"}}';
    expect(set(doc, '[["x",{"$date":{"$numberLong":"-1"}}]]')).toBe(
      `${doc.slice(0, -1)},"x":{"$date":{"$numberLong":"-1"}}}`,
    );
  });

  it('starts from the _id where nothing is stored, and changes nothing for an unknown patch', () => {
    const patch = setUnsetPatch('k', { truncate: [], set: [['a', 'x']], unset: [] });
    expect(applyPatch(null, patch)).toBe('{"_id":"k","a":"x"}');
    expect(applyPatch('{"_id":"k","b":"y"}', unknownPatch('why', 'k'))).toBe('{"_id":"k","b":"y"}');
    expect(() => applyPatch('{}', '{"kind":"other"}')).toThrow(/unknown kind/);
    expect(() => applyPatch('[]', patch)).toThrow(/not a document/);
  });
});

describe('MongoDB values', () => {
  it('agrees with the bson package on every type, from BSON and from its JSON', () => {
    const all = {
      oid: new BSON.ObjectId('65e1800000000000000000a1'),
      i32: new BSON.Int32(-7),
      i64: 9223372036854775807n,
      dbl: new BSON.Double(5),
      neg0: new BSON.Double(-0),
      big: new BSON.Double(1e300),
      nan: new BSON.Double(NaN),
      inf: new BSON.Double(-Infinity),
      dec: BSON.Decimal128.fromString('-1.50E+3'),
      str: '中文 "q" \n \u2028',
      yes: true,
      nil: null,
      date: new Date(-1),
      bin: new BSON.Binary(Buffer.from([0, 255]), 0x80),
      old: new BSON.Binary(Buffer.from([1, 2]), 2),
      uuid: new BSON.UUID('00010203-0405-0607-0809-0a0b0c0d0e0f'),
      ts: new BSON.Timestamp({ t: 4294967295, i: 7 }),
      re: new BSON.BSONRegExp('^a"', 'mi'),
      code: new BSON.Code('f()'),
      scope: new BSON.Code('f()', { a: 1 }),
      sym: new BSON.BSONSymbol('s'),
      min: new BSON.MinKey(),
      max: new BSON.MaxKey(),
      ref: new BSON.DBRef('c', new BSON.ObjectId('65e1800000000000000000a1')),
      arr: [1, [2], { k: 'v' }],
      doc: { a: {} },
    };
    const bytes = BSON.serialize(all);
    const theirs = EJSON.stringify(BSON.deserialize(bytes, { promoteValues: false, bsonRegExp: true }), {
      relaxed: false,
    });
    expect(ejsonText(readBson(Buffer.from(bytes)))).toBe(theirs);
    expect(ejsonText(parseEjson(theirs))).toBe(theirs);
  });

  it('reads the relaxed and the legacy dialect', () => {
    const cases: [string, string][] = [
      ['7', '{"$numberInt":"7"}'],
      ['-2147483649', '{"$numberLong":"-2147483649"}'],
      ['9223372036854775808', '{"$numberDouble":"9223372036854775808.0"}'],
      ['5.0', '{"$numberDouble":"5.0"}'],
      ['-0', '{"$numberDouble":"-0.0"}'],
      ['{"$date":"2024-03-01T00:00:00.123Z"}', '{"$date":{"$numberLong":"1709251200123"}}'],
      ['{"$date":1709251200123}', '{"$date":{"$numberLong":"1709251200123"}}'],
      ['{"$date":"2024-03-01T08:00:00.000+0800"}', '{"$date":{"$numberLong":"1709251200000"}}'],
      ['{"$binary":"AP+A","$type":"00"}', '{"$binary":{"base64":"AP+A","subType":"00"}}'],
      ['{"$regex":"^a","$options":"im"}', '{"$regularExpression":{"pattern":"^a","options":"im"}}'],
      [
        '{"$uuid":"00010203-0405-0607-0809-0a0b0c0d0e0f"}',
        '{"$binary":{"base64":"AAECAwQFBgcICQoLDA0ODw==","subType":"04"}}',
      ],
    ];
    for (const [from, to] of cases) expect(ejsonText(parseEjson(from))).toBe(to);
  });

  it('leaves users fields that only look like types as documents', () => {
    for (const doc of [
      '{"$oid":"short"}',
      '{"$date":"hello 1"}',
      '{"$oid":"x","more":"y"}',
      '{"$set":{"a":"b"}}',
    ]) {
      expect(ejsonText(parseEjson(doc))).toBe(doc);
    }
  });

  it('makes doc_id of an _id', () => {
    const id = (json: string, mode: 'plain' | 'typed' = 'plain') => docId(parseEjson(json), mode);
    expect(id('{"$oid":"65e1800000000000000000a1"}')).toBe('65e1800000000000000000a1');
    expect(id('"k"')).toBe('k');
    for (const one of [
      '1',
      '{"$numberLong":"1"}',
      '1.0',
      '{"$numberDecimal":"1.00"}',
      '{"$numberDecimal":"1E+0"}',
    ]) {
      expect(id(one)).toBe('1');
    }
    expect(id('{"$numberDecimal":"-120.50"}')).toBe('-120.5');
    expect(id('{"$numberDecimal":"1.2E+3"}')).toBe('1200');
    expect(id('{"$numberDecimal":"0E-7"}')).toBe('0');
    expect(id('1e20')).toBe('100000000000000000000');
    expect(id('{"r":"x","n":7}')).toBe('{"r":"x","n":{"$numberInt":"7"}}');
    expect(id('"1"', 'typed')).toBe('"1"');
    expect(id('{"$oid":"65e1800000000000000000a1"}', 'typed')).toBe('{"$oid":"65e1800000000000000000a1"}');
  });
});
