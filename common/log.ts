import { AsyncLocalStorage } from 'node:async_hooks';
import { TributaryError } from './errors.js';
import { redactForeign } from './redact.js';
import { pino, type Logger as PinoLogger } from 'pino';

export type Logger = PinoLogger;

/** What every line logged inside `run` carries, whoever writes it: the Kafka client knows no batch, its lines do. */
export const logFields = new AsyncLocalStorage<Record<string, unknown>>();

/**
 * Structured log on stderr, so that stdout stays for what a command answers.
 * @param redact removes secrets from any text before it is written
 */
export function createLogger(options: { level?: string; redact?: (text: string) => string } = {}): Logger {
  const redact = options.redact ?? ((text: string) => text);
  const stream = { write: (line: string): void => void process.stderr.write(redact(line)) };
  return pino(
    {
      level: options.level ?? process.env['TRIBUTARY_LOG_LEVEL'] ?? 'info',
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      mixin: () => ({ ...logFields.getStore() }),
      serializers: { error: errorFields },
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
}

/** The SDK's name for what pino calls `err`: without this an error's message would not be written. `code` is what people look up. */
function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { type } = error as { type?: unknown };
  const fields = pino.stdSerializers.err(error);
  if (!(error instanceof TributaryError)) {
    fields.message = redactForeign(fields.message);
    fields.stack = redactForeign(fields.stack);
  }
  return { ...fields, ...(typeof type === 'string' && { code: type }) };
}
