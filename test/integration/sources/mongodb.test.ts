import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Binary, BSON, Double, Int32, Long, MongoClient, ObjectId, Timestamp, type Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBson } from '../../../changelog/decoders/bson-read.js';
import { ejsonText } from '../../../changelog/decoders/ejson.js';
import { docId } from '../../../changelog/decoders/mongo-id.js';
import { chunkFilter, planMongoChunks, type MongoChunk } from '../../../sources/mongo-chunks.js';
import { MongoSession } from '../../../sources/mongo-session.js';
import { readDocuments, type DocumentCodec } from '../../../sources/read-documents.js';
import { verifyDocuments } from '../../../sources/verify-documents.js';
import { readEndpoints } from '../../../stack/endpoints.js';
import { Duck } from '../../../warehouse/duckdb.js';
import { duckString } from '../../../warehouse/sql.js';
import { FileStorage } from '../../../warehouse/storage-file.js';

const database = `sources_${process.pid}_${Date.now().toString(36)}`;
const { url } = readEndpoints().mongo;
const client = new MongoClient(url);
let session: MongoSession;
let root: string;
let duck: Duck;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tributary-mongo-'));
  duck = await Duck.open({ threads: 1, memoryLimitMb: 300, tempDirectory: join(root, 'spill') });
  session = await MongoSession.open({ url, readPreference: 'secondaryPreferred', direct: false });
});
afterAll(async () => {
  await client.db(database).dropDatabase();
  await Promise.all([client.close(), session.close()]);
  duck.close();
  await rm(root, { recursive: true, force: true });
});

const codec: DocumentCodec = (bson) => {
  const document = readBson(bson);
  return { docId: docId(document.get('_id') ?? null, 'typed'), doc: ejsonText(document) };
};

async function plan(collection: string, rows: number, known?: MongoChunk): Promise<MongoChunk[]> {
  const chunks: MongoChunk[] = [];
  for await (const chunk of planMongoChunks(session, `${database}.${collection}`, null, rows, known)) {
    chunks.push(chunk);
  }
  return chunks;
}

async function read(
  collection: string,
  chunks: MongoChunk[],
): Promise<{ doc_id: string; doc: string; n: string }[]> {
  const paths: string[] = [];
  for (const chunk of chunks) {
    const { path } = await readDocuments(
      { workDir: join(root, `${collection}-${chunks.length}`), duck: { threads: 1, memoryLimitMb: 300 } },
      session,
      {
        collection: `${database}.${collection}`,
        chunk,
        columns: [
          { name: 'doc_id', type: 'string' },
          { name: 'doc', type: 'string' },
          {
            name: 'n',
            type: 'bigint',
            fromDocument: (doc) => `json_extract_string(${doc}, '$.n."$numberLong"')`,
          },
        ],
        codec,
        cdcTs: '7300000000000000000',
        applied: null,
      },
    );
    paths.push(path);
  }
  const list = paths.map(duckString).join(', ');
  return duck.rows(`SELECT doc_id, doc, n FROM read_parquet([${list}]) WHERE cdc_ts = 7300000000000000000`);
}

describe('a scan of a collection', () => {
  const ids: unknown[] = [
    ...Array.from({ length: 9 }, (_, i) => new Int32(i * 3 - 5)),
    new Double(2.5),
    Long.fromString('9007199254740993'),
    ...['', 'a', 'B', 'é', '10', '9', '{"$oid":"x"}'],
    ...Array.from({ length: 4 }, (_, i) => ({ shop: i % 2, no: i })),
    { no: 1, shop: 0 },
    new Binary(Buffer.from('00ff', 'hex'), 0),
    new Binary(Buffer.alloc(16, 7), 4),
    ...Array.from({ length: 5 }, () => new ObjectId()),
    true,
    false,
    new Date(0),
    new Date(1_700_000_000_123),
    new Timestamp({ t: 1, i: 2 }),
  ];

  // Comparisons see one type only: chunks by `$gt` alone would read the numbers and lose every other document.
  it.each([1, 2, 4, 100])('finds every _id once, of whatever type, %i at a time', async (rows) => {
    const collection = `mixed_${rows}`;
    const documents: Document[] = ids.map((_id, i) => ({ _id, n: Long.fromNumber(i) }));
    await client.db(database).collection(collection).insertMany(documents);
    const chunks = await plan(collection, rows);
    expect(chunks.map((chunk) => chunk.index)).toEqual([...chunks.keys()]);
    const found = await read(collection, chunks);
    expect(found.map((row) => row.n).sort()).toEqual(ids.map((_, i) => String(i)).sort());
    for (const chunk of chunks) {
      const count = await client.db(database).collection(collection).countDocuments(chunkFilter(chunk));
      expect(count).toBeLessThanOrEqual(rows);
    }
    // A killed planner goes on after any chunk that it had.
    for (const known of chunks.slice(0, 12)) {
      expect(await plan(collection, rows, known)).toEqual(chunks.slice(known.index + 1));
    }
  });

  // A mirror whose numbers change their type, or whose fields change their order, is no mirror.
  it('keeps documents exactly', async () => {
    const document = {
      _id: 'x',
      n: Long.fromString('9223372036854775807'),
      int: new Int32(1),
      double: new Double(1),
      text: 'tab\t "é😀" \\ \u2028',
      list: [new Int32(1), null, { 9: new Int32(1), 1: true }],
      empty: {},
      date: new Date(-1),
      bytes: new Binary(Buffer.from('00ff', 'hex'), 5),
      id: new ObjectId('65e1800000000000000000a1'),
      stamp: new Timestamp({ t: 5, i: 6 }),
      re: new BSON.BSONRegExp('a/b', 'im'),
    };
    await client
      .db(database)
      .collection('exact')
      .insertOne(document as unknown as Document);
    const [row] = await read('exact', await plan('exact', 10));
    expect(row).toEqual({
      doc_id: '"x"',
      doc: BSON.EJSON.stringify(document, { relaxed: false }),
      n: '9223372036854775807',
    });
  });

  // A document that the log lost (MongoShake#798) would stay wrong until someone compares.
  it('is compared with the mirror by counts and sampled documents', async () => {
    const name = `${database}.compared`;
    const documents: Document[] = Array.from({ length: 40 }, (_, i) => ({ _id: i, v: `v${i}` }));
    const collection = client.db(database).collection('compared');
    await collection.insertMany(documents);
    const storage = new FileStorage(join(root, 'storage'));
    const [chunk] = await plan('compared', 100);
    const context = { workDir: join(root, 'compare'), duck: { threads: 1, memoryLimitMb: 300 } };
    const columns = ['doc_id', 'doc'].map((column) => ({ name: column, type: 'string' }));
    const request = { collection: name, chunk: chunk!, columns, codec, cdcTs: '1', applied: null };
    const { path } = await readDocuments(context, session, request);
    await storage.upload(path, 'mirror.parquet');
    const verify = () =>
      verifyDocuments(context, session, {
        collection: name,
        storage,
        files: ['mirror.parquet'],
        codec,
        sample: 80,
      });
    expect(await verify()).toEqual({
      sourceDocuments: 40,
      mirrorDocuments: 40,
      sampled: 40,
      differences: [],
    });
    await collection.updateOne({ _id: 5 } as Document, { $set: { v: 'other' } });
    await collection.deleteOne({ _id: 6 } as Document);
    await collection.insertOne({ _id: 77, v: 'new' } as Document);
    const report = await verify();
    expect(report).toMatchObject({ sourceDocuments: 40, mirrorDocuments: 40 });
    expect(
      report.differences.map(({ docId, source, mirror }) => [docId, source !== null, mirror !== null]),
    ).toEqual(
      expect.arrayContaining([
        ['5', true, true],
        ['6', false, true],
        ['77', true, false],
      ]),
    );
    expect(report.differences).toHaveLength(3);
  });

  it('of an empty collection has no chunks', async () => {
    expect(await plan('nothing_there', 10)).toEqual([]);
  });

  // The log is joined at the order key; without an oplog nothing tells where.
  it('warns of a server without an oplog, and takes an order key before the scan', async () => {
    const { orderKey, warning } = await session.begin();
    expect(warning).toMatch(/no member of a replica set/);
    expect(Number(BigInt(orderKey.cdcTs) >> 32n)).toBeLessThanOrEqual(Date.now() / 1000 - 5);
    expect(orderKey.applied).toBeNull();
  });

  it('says that the server is not there in words that do not show the password', async () => {
    const gone = MongoSession.open({
      url: 'mongodb://user:secret@127.0.0.1:1/',
      readPreference: 'secondary',
      direct: false,
      connectTimeoutMs: 300,
    });
    await expect(gone).rejects.toMatchObject({ code: 'SourceUnavailable', retryable: true });
    await expect(gone).rejects.not.toThrow(/secret/);
    await expect(
      MongoSession.open({ url: 'user:secret@host', readPreference: 'secondary', direct: false }),
    ).rejects.not.toThrow(/secret/);
  });
});
