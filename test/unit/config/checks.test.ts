import { describe, expect, it } from 'vitest';
import { append, APPEND, BASE, mirror, problemsOf, told } from './helpers.js';

const DRAINER = 'from: { topic: t, format: drainer, match: { database: shop, table: orders } }';
const JSON_FROM = 'from: { topic: t, format: json }';
const MONGO = 'from: { topic: t, format: mongoshake, match: { database: shop, collection: carts } }';
const DAILY = 'snapshot: { every: day }';
const TIME = 'time: { path: $.ts }';

/** [what a user wrote, what they must be told] */
type Cases = Record<string, [text: string, expected: RegExp]>;

function each(cases: Cases): void {
  for (const [name, [text, expected]] of Object.entries(cases)) {
    it(name, () => {
      const found = told(text);
      expect(
        found.filter((line) => expected.test(line)),
        found.join('\n'),
      ).toHaveLength(1);
      expect(found).toHaveLength(1);
    });
  }
}

describe('modes and formats that do not go together', () => {
  each({
    'a mirror of plain JSON has no deletes to apply': [
      mirror([JSON_FROM, DAILY]),
      /^10:31 tables\[0\].from.format: a mirror needs a change log/,
    ],
    'an append table of a change log would need its decoder and order': [
      append([DRAINER.replace(/, match.*/, ' }'), 'raw: true', TIME]),
      /from.format: drainer is a change log, which needs `mode: mirror`/,
    ],
    'a mirror without snapshots is a slip, unless it is meant': [
      mirror([DRAINER]),
      /^8:5 tables\[0\].snapshot: "snapshot" is missing: .*`snapshot: false`/,
    ],
    'an append table has no snapshots': [
      append([JSON_FROM, TIME, 'raw: true', DAILY]),
      /tables\[0\].snapshot: an append table has no `snapshot`/,
    ],
    'an append table has no bootstrap': [
      append([JSON_FROM, TIME, 'raw: true', "bootstrap: { kind: tidb, url: 'mysql://h', table: a.b }"]),
      /tables\[0\].bootstrap: an append table has no `bootstrap`/,
    ],
    'an append table does not match': [
      append(['from: { topic: t, format: json, match: { table: a } }', TIME, 'raw: true']),
      /from.match: an append table takes every record/,
    ],
    'a bootstrap from the wrong kind of database': [
      mirror([DRAINER, "bootstrap: { kind: mongodb, url: 'mongodb://h' }", DAILY]),
      /bootstrap.kind: a bootstrap from mongodb does not go with drainer/,
    ],
    'a bootstrap that does not know what to read': [
      mirror(['from: { topic: t, format: debezium }', "bootstrap: { kind: tidb, url: 'mysql://h' }", DAILY]),
      /bootstrap.table: "table" is missing: what to read, as in shop.orders/,
    ],
    'a bootstrap without snapshots': [
      mirror([DRAINER, "bootstrap: { kind: tidb, url: 'mysql://h' }", 'snapshot: false']),
      /tables\[0\].bootstrap: a bootstrap is the base of snapshots/,
    ],
    'an option of another format': [
      append(['from: { topic: t, format: json, zone: UTC }', TIME, 'raw: true']),
      /from.zone: "zone" does not apply to json; the zone of an event time is `time.zone`/,
    ],
    'Avro without a registry': [
      mirror(['from: { topic: t, format: debezium-avro }', DAILY]),
      /from.registry: debezium-avro needs a schema registry/,
    ],
    'JSON without a place for the event time': [
      append([JSON_FROM, 'raw: true']),
      /tables\[0\].time: "time" is missing/,
    ],
    'two event times': [
      append([JSON_FROM, 'raw: true', 'time: { path: $.ts, from: kafka }']),
      /time.from: `path` and `from: kafka` exclude each other/,
    ],
    "a mirror with an event time that is not its changes' own": [
      mirror([DRAINER, DAILY, TIME]),
      /time.path: a mirror's event time is that of its changes/,
    ],
    'an append table that would keep nothing': [
      append([JSON_FROM, TIME]),
      /tables\[0\].columns: there is nothing to keep/,
    ],
    'partitions in the wrong order': [
      append([JSON_FROM, TIME, 'raw: true', 'partition: [hour, day]']),
      /partition: partition is \[day\] or \[day, hour\], in this order/,
    ],
    'no snapshot kept at all': [
      mirror([DRAINER, 'snapshot: { every: day, keep: 0 }']),
      /snapshot.keep: must be at least 1/,
    ],
  });
});

describe('which cluster a topic is in', () => {
  const two = BASE.replace('warehouse:', '  other: { brokers: [b:1] }\nwarehouse:');
  each({
    'must be said when there are two': [
      append([JSON_FROM, TIME, 'raw: true'], two),
      /from.kafka: "kafka" is missing: which cluster has the topic, one of main, other/,
    ],
    'must be one that exists': [
      append(['from: { kafka: othr, topic: t, format: json }', TIME, 'raw: true'], two),
      /^11:20 tables\[0\].from.kafka: there is no Kafka cluster "othr"; known: main, other \(other\)/,
    ],
  });
});

describe('columns', () => {
  each({
    'of the name of an added one would hide it': [
      append([JSON_FROM, TIME, 'columns: [{ name: kafka_offset, type: bigint }]']),
      /columns\[0\].name: "kafka_offset" is already the name of a column that Tributary adds/,
    ],
    'of the name of a partition would break the table': [
      append([JSON_FROM, TIME, 'columns: [{ name: dt, type: string }]']),
      /"dt" is already the name of a partition column/,
    ],
    'of one name twice': [
      append([JSON_FROM, TIME, 'columns: [{ name: a, type: int }, { name: a, type: int, path: $.b }]']),
      /columns\[1\].name: there are two columns "a"/,
    ],
    'of the name of the raw column': [
      append([JSON_FROM, TIME, 'columns: [{ name: raw, type: int }]', 'raw: true']),
      /tables\[0\].raw: "raw" is already the name of a column of this table; choose another name/,
    ],
    'of the name of the document': [
      mirror([MONGO, 'columns: [{ name: doc, type: string }]', DAILY]),
      /"doc" is already the name of a column that every mirror of MongoDB has/,
    ],
    'renamed to a name that is taken': [
      mirror([DRAINER, 'rename: { event_time: cdc_op }', DAILY]),
      /rename.event_time: "cdc_op" is already the name/,
    ],
    'renamed although they are declared': [
      mirror([DRAINER, 'columns: [{ name: a, type: int }]', 'rename: { b: c }', DAILY]),
      /rename.b: the columns are declared, so write/,
    ],
    'with a JSON path in a relational mirror': [
      mirror([DRAINER, 'columns: [{ name: a, type: int, path: $.b }]', DAILY]),
      /columns\[0\].path: .*not a JSON path \(b\)/,
    ],
    'with a name in place of a JSON path': [
      append([JSON_FROM, TIME, 'columns: [{ name: a, type: int, path: b.c }]']),
      /columns\[0\].path: the JSON path "b.c" must start with "\$" \(\$.b.c\)/,
    ],
    'of fields in a line of text': [
      append(['from: { topic: t, format: text }', 'columns: [{ name: a, type: int, path: $.b }]']),
      /columns\[0\].path: a line of text has no fields/,
    ],
    'that the key names but nobody declared': [
      mirror([DRAINER, 'columns: [{ name: id, type: bigint }]', 'key: [idd]', DAILY]),
      /^12:11 tables\[0\].key\[0\]: the key column "idd" is not among the declared columns \(id\)/,
    ],
    'in the key twice': [mirror([DRAINER, 'key: [a, a]', DAILY]), /key\[1\]: "a" is in the key twice/],
    'as the key of a MongoDB mirror': [
      mirror([MONGO, 'key: [user_id]', DAILY]),
      /tables\[0\].key: the key of a MongoDB mirror is `doc_id`, always/,
    ],
  });

  it('may have the names of change columns in an append table, which has none of those', () => {
    expect(
      told(
        append([JSON_FROM, TIME, 'columns: [{ name: cdc_op, type: string }, { name: doc, type: string }]']),
      ),
    ).toEqual([]);
  });
});

describe('table names', () => {
  const row = (name: string): string =>
    `  - { name: ${name}, mode: append, ${JSON_FROM}, ${TIME}, raw: true }\n`;
  const orders = mirror([DRAINER, DAILY]);
  each({
    'must be unique': [
      `${BASE}tables:\n${row('a')}${row('a')}`,
      /^9:13 tables\[1\].name: there are two tables "a"/,
    ],
    'must not meet the changelog of another': [
      orders + row('orders_changelog'),
      /"orders_changelog" and the changelog of "orders" would both be the Hive table "orders_changelog"/,
    ],
    'must not meet the snapshot of another': [orders + row('orders_snapshot'), /snapshot of "orders"/],
    'must not meet the quarantine of another': [
      `${BASE}tables:\n${row('a')}${row('a_quarantine')}`,
      /quarantine of "a"/,
    ],
  });

  it('may share a topic: it is read once for all of them', () => {
    expect(told(`${BASE}tables:\n${row('a')}${row('b')}`)).toEqual([]);
  });
});

describe('the key of a mirror', () => {
  const maxwell = 'from: { topic: t, format: maxwell, match: { table: a } }';
  it('is demanded where the log names none, and only there', () => {
    expect(told(mirror([maxwell, DAILY])).join()).toMatch(
      /tables\[0\].key: "key" is missing: maxwell does not name/,
    );
    expect(told(mirror([maxwell, 'snapshot: false']))).toEqual([]);
    expect(told(mirror([DRAINER, DAILY]))).toEqual([]);
  });
});

describe('doubts, which stop nothing', () => {
  const warned = (text: string): string[] =>
    problemsOf(text).map(({ severity, message }) => `${severity}: ${message}`);

  it('a mirror whose log cannot order the changes of a key exactly says so', () => {
    const canal = 'from: { topic: t, format: canal-json, match: { database: shop, table: orders } }';
    expect(warned(mirror([canal, DAILY])).join()).toMatch(
      /^warning: canal-json orders changes exactly only from TiCDC/,
    );
    expect(warned(mirror([canal, DAILY, "bootstrap: { kind: tidb, url: 'mysql://h' }"]))).toEqual([]);
    expect(warned(mirror([DRAINER, DAILY]))).toEqual([]);
    const maxwell = 'from: { topic: t, format: maxwell, match: { table: a } }';
    expect(warned(mirror([maxwell, 'key: [id]', DAILY])).join()).toMatch(/^warning: maxwell orders/);
  });

  it('a mirror that takes every table of a shared topic says so', () => {
    expect(warned(mirror(['from: { topic: t, format: drainer }', DAILY])).join()).toMatch(
      /^warning: without `match` every table in the topic "t" lands in this one/,
    );
  });

  it('a password that travels in the clear says so', () => {
    const sasl = BASE.replace(
      ':9092]',
      ":9092], sasl: { mechanism: plain, username: u, password: '${file:/dev/null}x' }",
    );
    expect(
      problemsOf(sasl + APPEND, { secrets: 'optional' })
        .map((p) => p.message)
        .join(),
    ).toMatch(/in the clear/);
  });
});

describe('tuning of a topic that no table reads', () => {
  each({
    'is a misspelt topic': [
      `${BASE}ingest: { topics: { click: { parallelism: 2 } } }\n${APPEND}`,
      /^7:21 ingest.topics.click: no table reads the topic "click" \(clicks\)/,
    ],
  });
});
