import pc from 'picocolors';
import { sniffFormat } from '../../changelog/decoders/sniff.js';
import { sourceNames } from '../../changelog/source-names.js';
import { TributaryError } from '../../common/errors.js';
import { createAdmin, sampleTail } from '../../kafka/admin.js';
import { createRangeReader } from '../../kafka/range-reader.js';
import { clusterOptions } from '../../workers/open-context.js';
import { discoverLines } from '../discover-text.js';
import { proposeTable } from '../propose-table.js';
import { count, note, print, printJson, renderTable } from '../output.js';

import { openConnections, type Session } from '../session.js';

interface Options {
  config: string;
  kafka?: string;
  records: number;
  json?: boolean;
}

/** Looks at a topic and proposes the config of a table; without a topic, lists the topics that no table reads. */
export async function discover(topic: string | undefined, options: Options): Promise<void> {
  const session = await openConnections(options.config);
  const kafka = pickCluster(session, options.kafka);
  if (topic === undefined) return listTopics(session, kafka, options);
  const reader = createRangeReader(clusterOptions(session.runtime.kafka[kafka]!));
  try {
    const records = await sampleTail(reader, topic, options.records);
    if (records.length === 0) {
      throw new TributaryError({
        code: 'TopicEmpty',
        message: `Topic ${topic} has no records to look at. Try again once something was written to it.`,
      });
    }
    const guesses = sniffFormat(records);
    if (guesses.length === 0) {
      throw new TributaryError({
        code: 'FormatUnknown',
        message:
          `None of the ${count(records.length)} newest records of ${topic} tells its format: they have no value, or bytes of no format that is known. ` +
          'Look at more (--records), or write the table by hand: docs/configuration.md has the formats.',
        attributes: { topic },
      });
    }
    const clusters = Object.keys(session.runtime.kafka).length;
    const sources = sourceNames(guesses[0]!.format, guesses[0]!.options ?? {}, records);
    const yaml = proposeTable({
      sources,
      kafka: clusters > 1 ? kafka : undefined,
      topic,
      records,
      guess: guesses[0]!,
    });
    const tables = readersOf(session, kafka, topic);
    if (options.json) {
      return printJson({ topic, records: records.length, tables, guesses, sources, yaml });
    }
    for (const line of discoverLines(topic, records.length, guesses, tables, sources)) note(line);
    note(pc.dim(`  to go under tables: in ${options.config}; look it over first\n`));
    print(yaml);
  } finally {
    await reader.close();
  }
}

function pickCluster({ runtime }: Session, wanted: string | undefined): string {
  const names = Object.keys(runtime.kafka);
  const name = wanted ?? names[0]!;
  if (runtime.kafka[name]) return name;
  throw new TributaryError({
    code: 'ClusterUnknown',
    message: `The config has no Kafka cluster ${name}; it has ${names.join(', ')}.`,
  });
}

async function listTopics(session: Session, kafka: string, options: Options): Promise<void> {
  const admin = createAdmin(clusterOptions(session.runtime.kafka[kafka]!));
  try {
    const topics = (await admin.listTopics()).filter(({ internal }) => !internal);
    const rows = topics.map(({ topic, partitions }) => ({
      topic,
      partitions,
      tables: readersOf(session, kafka, topic),
    }));
    if (options.json) return printJson(rows);
    print(
      renderTable(
        [{ title: 'topic' }, { title: 'partitions', right: true }, { title: 'tables' }],
        rows.map(({ topic, partitions, tables }) => [topic, String(partitions), tables.join(', ')]),
      ),
    );
    note(pc.dim('tributary discover TOPIC looks at one and proposes a table'));
  } finally {
    await admin.close();
  }
}

/** Tables of the config that read a topic. */
function readersOf({ specs }: Session, kafka: string, topic: string): string[] {
  return specs.filter((spec) => spec.topic === topic && spec.kafka === kafka).map(({ name }) => name);
}
