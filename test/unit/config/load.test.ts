import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../config/load.js';
import { ConfigError, formatProblems } from '../../../config/problems.js';
import { APPEND, BASE, load, problemsOf, told } from './helpers.js';

describe('a config file that is right', () => {
  it('loads with every default filled in, so that nobody must write them', () => {
    const { config, warnings } = load(BASE + APPEND);
    expect(warnings).toEqual([]);
    expect(config.temporal).toMatchObject({ address: '127.0.0.1:7233', namespace: 'default' });
    expect(config.ingest.flush).toMatchObject({ interval: 60_000 });
    expect(config.tables[0]).toMatchObject({ lateness: 600_000, partition: ['day'], raw: false });
  });

  it('loads the example file, which people copy', async () => {
    const env = {
      KAFKA_PASSWORD: 'a',
      HIVE_PASSWORD: 'b',
      TIDB_URL: 'mysql://h/',
      MONGO_URL: 'mongodb://h/',
    };
    const { config, warnings } = await loadConfig('tributary.example.yaml', { env });
    expect(warnings).toEqual([]);
    expect(config.tables.map((table) => table.name)).toContain('stat_click');
  });

  it('takes anchors and merge keys, own values first', () => {
    const { config } = load(
      `x-common: &common { mode: append, time: { from: kafka }, raw: true, lateness: 5m }\n${BASE}tables:
  - { <<: *common, name: a, from: { topic: a, format: json } }
  - { name: b, lateness: 1h, <<: *common, from: { topic: b, format: json } }\n`,
    );
    expect(config.tables.map((table) => table.lateness)).toEqual([300_000, 3_600_000]);
  });

  it('reads an option without a value as absent', () => {
    expect(load(`${BASE}temporal:\n${APPEND}`).config.temporal.namespace).toBe('default');
  });
});

describe('a config file that is wrong', () => {
  it('reports every mistake at once, each with its place, so that one run is enough', () => {
    const text = `kafka:
  main: { broker: [127.0.0.1:9092] }
warehouse:
  catalog: { kind: hve, host: h }
  storage: { kind: file, root: ./data }
  timezone: Asia/Shanghi
tables:
  - name: Orders
    mode: miror
    from: { kafka: mian, topic: t, format: canal, match: { database: shop, table: orders } }
    snapshot: { every: day, keep: 0 }
    lateness: 10
`;
    expect(told(text)).toEqual([
      '2:11 kafka.main.broker: unknown option "broker" (brokers)',
      '4:20 warehouse.catalog.kind: "hve" is not one of hive, none (hive)',
      '6:13 warehouse.timezone: "Asia/Shanghi" is not an IANA time zone such as Asia/Shanghai or UTC (Asia/Shanghai)',
      '8:11 tables[0].name: the table "Orders" must be a Hive identifier: a lower case letter, then lower case letters, digits and _ (orders)',
      '9:11 tables[0].mode: "miror" is not one of append, mirror (mirror)',
      '10:20 tables[0].from.kafka: there is no Kafka cluster "mian"; known: main (main)',
      expect.stringMatching(/^10:44 tables\[0\].from.format: "canal" is not one of .* \(canal-json\)$/),
      '11:35 tables[0].snapshot.keep: must be at least 1',
      '12:15 tables[0].lateness: a duration is a number with a unit (ms, s, m, h, d, w), such as 30s, 10m, 2h or 1d',
    ]);
  });

  it('goes on checking behind a misspelt option, as if it were spelt right', () => {
    expect(
      told(
        `${BASE}tables:\n  - name: a\n    mode: append\n    form: { topic: t, format: jsn }\n    raw: true\n`,
      ),
    ).toEqual([
      '8:5 tables[0].time: "time" is missing: where the event time is, as in `time: { path: $.ts }`, or `time: { from: kafka }`',
      '10:5 tables[0].form: unknown option "form" (from)',
      expect.stringMatching(/^10:31 tables\[0\].from.format: "jsn" is not one of/),
    ]);
  });

  it('lists the known options where a name resembles none of them', () => {
    expect(told(`${BASE}worker: { zzz: 1 }\n${APPEND}`)[0]).toMatch(
      /7:11 worker.zzz: unknown option "zzz"; known here: memory, activities, scratch, metrics/,
    );
  });

  it('says where the first of two equal keys is, since YAML would silently drop one', () => {
    expect(told(`${BASE}kafka: {}\n${APPEND}`)).toEqual([
      '7:1 kafka: "kafka" is given twice; the first one is on line 1',
    ]);
  });

  it('explains tabs, references without quotes inside braces, and other syntax in words', () => {
    expect(told('kafka:\n\tmain: {}\n')).toEqual(['2:1 : a tab cannot indent YAML; use spaces']);
    expect(told('kafka: { main: ${X}, b: 1 }\n')).toEqual([
      "1:17 : inside { } and [ ] a reference needs quotes: '${NAME}'",
    ]);
    expect(told('kafka: [1, 2\ntables: []\n')[0]).toMatch(/YAML syntax: /);
    expect(told(`${BASE}worker: *nowhere\n${APPEND}`)[0]).toMatch(/there is no anchor &nowhere/);
  });

  it('does not hang on an alias that contains itself', () => {
    expect(told(`${BASE}worker: &w { a: *w }\n${APPEND}`).join('\n')).toMatch(/contains itself/);
  });

  it('says that a file is empty, no map, or not there', async () => {
    expect(told('')).toEqual(['1:1 : the file is empty']);
    expect(told('# only a comment\n')).toEqual(['1:1 : the file is empty']);
    expect(told('- a\n')[0]).toMatch(/must be a map/);
    await expect(loadConfig('/nowhere/tributary.yaml')).rejects.toThrow(
      /nowhere.*cannot be read: there is no such file.*tributary\.example\.yaml/s,
    );
  });

  it('names what is missing at the top, one message each', () => {
    expect(told('tables: []\n').map((line) => line.split(':')[2])).toEqual([
      ' "kafka" is missing',
      ' "warehouse" is missing',
      ' there are no tables to land',
    ]);
  });

  it('throws ConfigInvalid with all problems for --json and one line each for logs', () => {
    try {
      load(`${BASE}tables:\n  - { name: a }\n`);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      const { code, problems, attributes, message } = error as ConfigError;
      expect(code).toBe('ConfigInvalid');
      expect(problems.map((problem) => problem.path)).toEqual(['tables[0].mode', 'tables[0].from']);
      expect(problems[0]).toMatchObject({ file: 'tributary.yaml', line: 8, table: 'a', severity: 'error' });
      expect(attributes.problems).toEqual([
        'tributary.yaml:8:5: "mode" is missing: one of append, mirror',
        'tributary.yaml:8:5: "from" is missing: Where the records come from',
      ]);
      expect(message).toContain('2 errors in tributary.yaml');
    }
  });
});

describe('defaults', () => {
  const text = (defaults: string, table: string): string =>
    `${BASE}defaults: ${defaults}\ntables:\n  - ${table}\n`;

  it('fill what a table leaves out, option by option', () => {
    const { config } = load(
      text(
        '{ mode: append, from: { kafka: main, format: json }, raw: true, time: { path: $.ts, zone: UTC }, lateness: 1h }',
        '{ name: a, from: { topic: t }, time: { path: $.at } }',
      ),
    );
    expect(config.tables[0]).toMatchObject({
      mode: 'append',
      from: { kafka: 'main', topic: 't', format: 'json' },
      raw: true,
      time: { path: '$.at', zone: 'UTC' },
      lateness: 3_600_000,
    });
  });

  it('give a table only what applies to it', () => {
    const defaults = '{ from: { zone: UTC, message: json }, snapshot: { every: day }, time: { path: $.ts } }';
    const appended = load(
      text(defaults, '{ name: a, mode: append, from: { topic: t, format: json }, raw: true }'),
    );
    const [a] = appended.config.tables;
    expect(a?.snapshot).toBeUndefined();
    expect(a?.from).toEqual({ topic: 't', format: 'json' });
    const mirrored = load(
      text(defaults, '{ name: b, mode: mirror, from: { topic: t, format: drainer, match: { table: b } } }'),
    );
    const [b] = mirrored.config.tables;
    expect(b).toMatchObject({ from: { zone: 'UTC' }, snapshot: { every: 'day', keep: 400 } });
    expect(b?.time).toBeUndefined();
  });

  it('report a mistake in them once, where it stands, not once a table', () => {
    const many =
      text(
        '{ from: { kafka: mian }, latenes: 5m }',
        '{ name: a, mode: append, raw: true, time: { from: kafka }, from: { topic: t, format: json } }',
      ) +
      '  - { name: b, mode: append, raw: true, time: { from: kafka }, from: { topic: t, format: json } }\n';
    expect(told(many)).toEqual([
      '7:28 tables[0].from.kafka: there is no Kafka cluster "mian"; known: main (main)',
      '7:36 defaults.latenes: unknown option "latenes" (lateness)',
    ]);
  });
});

describe('problems for a terminal', () => {
  it('show the line and mark the place, also behind wide characters', () => {
    const problems = problemsOf(`${BASE}temporal: { namespace: 中文, adress: a:1 } # 注释\n${APPEND}`);
    expect(formatProblems(problems)).toBe(`tributary.yaml:7:28  temporal.adress
  error: unknown option "adress". Did you mean "address"?
    7 | temporal: { namespace: 中文, adress: a:1 } # 注释
      |                              ^^^^^^

1 error in tributary.yaml`);
    expect(formatProblems(problems, { color: true })).toContain('\u001b[31m');
    expect(formatProblems([])).toBe('');
  });
});
