import { spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { TributaryError } from '../common/errors.js';
import { fetchJars } from './fetch/maven.js';
import { cacheDir } from './paths.js';
import { checkJava, javaCommand } from './preflight.js';
import { type RunResult, firstAndLastLines, run } from './proc/run.js';
import { silent } from './progress.js';
import { log4j2, writeText } from './services/files.js';

export const CONSOLE_CONSUMER = 'org.apache.kafka.tools.consumer.ConsoleConsumer';
export const PRODUCER_PERFORMANCE = 'org.apache.kafka.tools.ProducerPerformance';
export const TOPIC_COMMAND = 'org.apache.kafka.tools.TopicCommand';
export const CONFIG_COMMAND = 'kafka.admin.ConfigCommand';
export const DUMP_LOG_SEGMENTS = 'kafka.tools.DumpLogSegments';

export interface ToolOptions {
  heapMb?: number;
  timeoutMs?: number;
  input?: string | Buffer;
  /** Standard output goes here as it is, instead of into the result: for values that are large or not text. */
  stdoutFile?: string;
  /** An exit code other than 0 is given back instead of thrown. */
  anyExitCode?: boolean;
}

/** Folder with the jars of Kafka's broker, clients and tools. */
export function kafkaJars(): Promise<string> {
  return fetchJars(cacheDir(), 'kafka', 'kafka', silent);
}

/** Runs a main class of Kafka's own, e.g. CONSOLE_CONSUMER. */
export function runKafkaTool(main: string, args: string[], options: ToolOptions = {}): Promise<RunResult> {
  return runJava(main, [main, ...args], options);
}

/** Compiles and runs one Java source file that uses Kafka's client: real transactions, keys, headers, codecs. */
export function runKafkaJava(
  sourceFile: string,
  args: string[],
  options: ToolOptions = {},
): Promise<RunResult> {
  return runJava(sourceFile, [sourceFile, ...args], options);
}

async function runJava(what: string, programAndArgs: string[], options: ToolOptions): Promise<RunResult> {
  checkJava();
  const jars = await kafkaJars();
  const conf = mkdtempSync(join(tmpdir(), 'tributary-kafka-'));
  try {
    // Logs go to standard error, so that standard output holds what the tool was asked for and nothing else.
    writeText(join(conf, 'log4j2.properties'), log4j2('WARN', {}, 'SYSTEM_ERR'));
    const args = [
      `-Xmx${options.heapMb ?? 256}m`,
      ...['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dfile.encoding=UTF-8'],
      ...['-cp', `${conf}:${jars}/*`],
      ...programAndArgs,
    ];
    const result = await (options.stdoutFile === undefined
      ? run(javaCommand(), args, pick(options))
      : runToFile(args, options.stdoutFile, options));
    if (result.code === 0 || options.anyExitCode) return result;
    throw new TributaryError({
      code: 'StackCommandFailed',
      message: `${what} ended with ${result.code ?? result.signal ?? 'no code'}. It said:\n${firstAndLastLines(result.stdout + result.stderr)}`,
      attributes: { exitCode: result.code },
    });
  } finally {
    rmSync(conf, { recursive: true, force: true });
  }
}

function pick({ timeoutMs, input }: ToolOptions) {
  return { ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(input === undefined ? {} : { input }) };
}

async function runToFile(
  args: string[],
  file: string,
  { timeoutMs, input }: ToolOptions,
): Promise<RunResult> {
  const child = spawn(javaCommand(), args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs, killSignal: 'SIGKILL' as const }),
  });
  const ended = new Promise<Pick<RunResult, 'code' | 'signal'>>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [end] = await Promise.all([ended, pipeline(child.stdout, createWriteStream(file))]);
  return { ...end, stdout: '', stderr };
}
