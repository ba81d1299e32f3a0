import { randomInt } from 'node:crypto';
import { createKafka, type ClusterOptions } from '../kafka/client.js';
import { createRangeReader } from '../kafka/range-reader.js';
import { readEndpoints } from '../stack/endpoints.js';
import { PRODUCER_PERFORMANCE, runKafkaTool } from '../stack/kafka-tools.js';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/*
 * CPU seconds to read a million records of a stat log (328 bytes each), reading only: this project's range reader
 * with each codec, and kafkajs' own consumer beside it. Needs a running Kafka (`npm run stack -- up kafka`).
 *
 *   npx tsx bench/kafka-read.ts [--records 1000000] [--codecs none,lz4,zstd,snappy,gzip] [--kafkajs] [--brokers HOST:PORT]
 */
const RECORD_BYTES = 328;
const PROGRESS_BYTES = 4 << 20;

interface Arguments {
  records: number;
  codecs: string[];
  kafkajs: boolean;
  brokers: string[];
}

interface Cost {
  records: number;
  cpuSeconds: number;
  seconds: number;
  peakMb: number;
}

function readArguments(argv: string[]): Arguments {
  const value = (name: string): string | undefined => {
    const at = argv.indexOf(name);
    return at < 0 ? undefined : argv[at + 1];
  };
  return {
    records: Number(value('--records') ?? 1_000_000),
    codecs: (value('--codecs') ?? 'none,lz4,zstd,snappy,gzip').split(','),
    kafkajs: argv.includes('--kafkajs'),
    brokers: value('--brokers')?.split(',') ?? readEndpoints().kafka.brokers,
  };
}

/** One event of a stat log, padded to the size. */
function statLogLine(index: number): string {
  const hex = (length: number): string => Array.from({ length }, () => randomInt(16).toString(16)).join('');
  const event = {
    '@timestamp': new Date(1_760_000_000_000 + index * 137).toISOString(),
    uid: randomInt(1_000_000_000),
    event: ['click', 'view', 'submit', 'play'][randomInt(4)],
    session: hex(32),
    ip: `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`,
    ua: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36',
    props: { lesson: `课程${randomInt(500)}`, ms: randomInt(100_000), page: `/course/${randomInt(5000)}` },
    pad: '',
  };
  event.pad = hex(Math.max(0, RECORD_BYTES - Buffer.byteLength(JSON.stringify(event))));
  return JSON.stringify(event);
}

async function fill(brokers: string[], topic: string, records: number, codec: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bench-'));
  try {
    const payload = join(folder, 'lines.json');
    writeFileSync(payload, Array.from({ length: 20_000 }, (_, index) => statLogLine(index)).join('\n'));
    await runKafkaTool(PRODUCER_PERFORMANCE, [
      ...['--topic', topic, '--num-records', `${records}`, '--throughput', '-1', '--payload-file', payload],
      ...[
        '--producer-props',
        `bootstrap.servers=${brokers.join(',')}`,
        `compression.type=${codec}`,
        'acks=1',
      ],
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measured(read: () => Promise<number>): Promise<Cost> {
  let peak = 0;
  const sampler = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 50);
  const cpu = process.cpuUsage();
  const start = performance.now();
  const records = await read();
  const { user, system } = process.cpuUsage(cpu);
  clearInterval(sampler);
  return {
    records,
    cpuSeconds: (user + system) / 1e6,
    seconds: (performance.now() - start) / 1e3,
    peakMb: peak / 2 ** 20,
  };
}

/** Reads a topic whole with the range reader, touching each record's length as a user would. */
async function readRanges(cluster: ClusterOptions, topic: string): Promise<number> {
  const reader = createRangeReader(cluster);
  let records = 0;
  let bytes = 0;
  for (const { partition, logStart, lastStable } of (await reader.positions(topic)).partitions) {
    for await (const block of reader.readRange(topic, { partition, from: logStart, to: lastStable })) {
      records += block.count;
      for (let index = 0; index < block.count; index++) {
        bytes += block.valueEnd[index]! - block.valueStart[index]!;
      }
    }
  }
  await reader.close();
  if (bytes < records) throw new Error('empty values');
  return records;
}

/** Reads the same with kafkajs' consumer, which has to join a group first. */
async function consume(cluster: ClusterOptions, topic: string, expected: number): Promise<number> {
  const consumer = createKafka(cluster).consumer({
    groupId: `${topic}-bench`,
    maxBytesPerPartition: PROGRESS_BYTES,
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  let records = 0;
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        eachBatch: ({ batch }) => {
          records += batch.messages.length;
          if (records >= expected) resolve();
          return Promise.resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return records;
}

function report(name: string, cost: Cost): void {
  const perMillion = (cost.cpuSeconds * 1e6) / cost.records;
  console.log(
    `${name.padEnd(18)} ${String(cost.records).padStart(9)} records ${perMillion.toFixed(2).padStart(6)} CPU s/million` +
      ` ${cost.seconds.toFixed(2).padStart(6)} s ${cost.peakMb.toFixed(0).padStart(5)} MB peak`,
  );
}

async function main(): Promise<void> {
  const { records, codecs, kafkajs, brokers } = readArguments(process.argv.slice(2));
  const cluster = { brokers };
  const admin = createKafka(cluster).admin();
  await admin.connect();
  const topics: string[] = [];
  try {
    for (const codec of codecs) {
      const topic = `bench-read-${codec}-${Date.now()}`;
      topics.push(topic);
      await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
      await fill(brokers, topic, records, codec);
      // The first run pays for compiling; a worker pays that once in its life.
      await measured(() => readRanges(cluster, topic));
      report(`range reader ${codec}`, await measured(() => readRanges(cluster, topic)));
      if (kafkajs && (codec === 'none' || codec === 'gzip')) {
        report(`kafkajs ${codec}`, await measured(() => consume(cluster, topic, records)));
      }
    }
  } finally {
    await admin.deleteTopics({ topics });
    await admin.disconnect();
  }
}

await main();
