import { MongoNetworkError, MongoServerError, Timestamp } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { chunkFilter } from '../../../sources/mongo-chunks.js';
import { judgeNode, nodeFacts, orderKeyOf } from '../../../sources/mongo-node.js';
import { mongoError, MongoSession } from '../../../sources/mongo-session.js';

const member = {
  setName: 'rs0',
  me: 'db1:27017',
  lastWrite: { opTime: { ts: new Timestamp({ t: 100, i: 7 }) } },
};

describe('the node that is scanned', () => {
  const judge = (
    hello: object,
    readPreference: Parameters<typeof judgeNode>[1]['readPreference'] = 'secondary',
  ) => judgeNode(nodeFacts(hello), { readPreference, direct: true });

  // A scan of the primary is felt by every user of the database.
  it('is not the primary unless the config says so', () => {
    expect(() => judge({ ...member, isWritablePrimary: true })).toThrow(
      expect.objectContaining({ code: 'SourceUnsuitable' }),
    );
    expect(() => judge({ ...member, isWritablePrimary: true }, 'secondaryPreferred')).toThrow(
      /db1:27017 is the primary/,
    );
    expect(judge({ ...member, isWritablePrimary: true }, 'primary')).toMatch(/is the primary/);
    expect(judge({ ...member, secondary: true })).toBeNull();
    expect(judge({ ...member, secondary: true, hidden: true })).toBeNull();
    expect(judge({ msg: 'isdbgrid', isWritablePrimary: true })).toBeNull();
    expect(judge({ isWritablePrimary: true })).toMatch(/only copy/);
    expect(() => judge({ ...member, secondary: false })).toThrow(/neither primary nor secondary/);
  });

  // An order key after the scan's start would drop the changes in between.
  it('gives the oplog position that it has applied, or the wall clock less the skew', () => {
    expect(orderKeyOf(nodeFacts(member), 0)).toEqual({
      cdcTs: ((100n << 32n) | 7n).toString(),
      applied: (100n << 32n) | 7n,
      ms: 100_000,
    });
    expect(orderKeyOf(nodeFacts({}), 1_000_000)).toEqual({
      cdcTs: (995n << 32n).toString(),
      applied: null,
      ms: 995_000,
    });
  });
});

describe('chunks', () => {
  // NaN is in no range, and in `$type: number`: it must come once.
  it('take NaN apart from the other numbers', () => {
    const at = (bracket: string, after: string | null = null, upTo: string | null = null) =>
      chunkFilter({ index: 0, bracket, after, upTo });
    expect(at('number')).toEqual({ _id: { $type: 'number', $gte: -Infinity } });
    expect(at('number', '{"v":{"$numberInt":"5"}}', '{"v":{"$numberLong":"9"}}')).toMatchObject({
      _id: { $type: 'number', $gt: { value: 5 } },
    });
    expect(at('nan')).toEqual({ _id: NaN });
    expect(at('string', null, '{"v":"b"}')).toEqual({ _id: { $type: 'string', $lte: 'b' } });
  });
});

describe('faults', () => {
  it('of connecting name the hosts, and where they are written, and no password', async () => {
    const open = MongoSession.open({
      ...{ url: 'mongodb://reader:pass-of-reader@127.0.0.1:1/?directConnection=true', connectTimeoutMs: 200 },
      ...{ readPreference: 'primary', direct: true },
    });
    await expect(open).rejects.toMatchObject({
      code: 'SourceUnavailable',
      message: expect.stringMatching(/^(?!.*pass-of).*127\.0\.0\.1:1 \(.*bootstrap\.url/) as string,
    });
  });

  it('of the network are tried again; refusals are not', () => {
    expect(mongoError(new MongoNetworkError('gone'), 'reading')).toMatchObject({
      code: 'SourceUnavailable',
      retryable: true,
    });
    const refused = new MongoServerError({ message: 'not authorized', code: 13 });
    expect(mongoError(refused, 'reading')).toMatchObject({ code: 'SourceDenied', retryable: false });
    expect(mongoError(new MongoServerError({ message: 'no', code: 2 }), 'reading').code).toBe(
      'SourceRefused',
    );
  });
});
