import { pino, type Logger as PinoLogger } from 'pino';

export type Logger = PinoLogger;

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
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
}
