import { fileURLToPath } from 'node:url';
import { CONSOLE_CONSUMER, runKafkaJava, runKafkaTool } from '../../../../stack/kafka-tools.js';

const PRODUCE = fileURLToPath(new URL('../java/Produce.java', import.meta.url));

export interface ConsumedRecord {
  partition: number;
  offset: number;
  timestamp: number;
  key: string | null;
  value: string | null;
}

/** Runs a script of java/Produce.java: one command a line, words in an array. */
export async function produce(brokers: string[], commands: (string | number)[][]): Promise<void> {
  const script = commands.map((words) => words.join('\t')).join('\n');
  await runKafkaJava(PRODUCE, [brokers.join(',')], { input: `${script}\n`, heapMb: 512, timeoutMs: 120_000 });
}

/** All that Kafka's own console consumer sees of a topic, read_committed, by partition and offset. */
export async function consoleConsume(brokers: string[], topic: string): Promise<ConsumedRecord[]> {
  const properties = {
    'print.timestamp': 'true',
    'print.partition': 'true',
    'print.offset': 'true',
    'print.key': 'true',
    'null.literal': '\\N',
  };
  const { stdout, stderr } = await runKafkaTool(
    CONSOLE_CONSUMER,
    [
      ...['--bootstrap-server', brokers.join(','), '--topic', topic, '--from-beginning'],
      ...['--isolation-level', 'read_committed', '--timeout-ms', '8000'],
      ...Object.entries(properties).flatMap(([name, value]) => ['--property', `${name}=${value}`]),
    ],
    { anyExitCode: true, timeoutMs: 120_000 },
  );
  const lines = stdout.split('\n').filter((line) => line !== '');
  // It ends by its timeout, with an error code, so the code says nothing: the sum that it prints at the end does.
  if (!stderr.includes(`Processed a total of ${lines.length} messages`)) {
    throw new Error(`the console consumer did not end well: ${stderr.slice(-2000)}`);
  }
  return lines.map(parseLine).sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}

function parseLine(line: string): ConsumedRecord {
  const fields = line.split('\t');
  const numbered = (name: string): number => {
    const field = fields.find((candidate) => candidate.startsWith(`${name}:`));
    if (field === undefined)
      throw new Error(`the console consumer printed no ${name}: ${line.slice(0, 200)}`);
    return Number(field.slice(name.length + 1));
  };
  const text = (field: string | undefined): string | null =>
    field === undefined || field === '\\N' ? null : field;
  return {
    partition: numbered('Partition'),
    offset: numbered('Offset'),
    timestamp: numbered('CreateTime'),
    key: text(fields.at(-2)),
    value: text(fields.at(-1)),
  };
}
