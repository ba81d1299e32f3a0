import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export type Properties = Record<string, string | number | boolean>;

/** Writes a file and the folders above it, in one step: a unit that starts beside another may be reading it. */
export function writeText(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}.tmp`;
  writeFileSync(partial, text);
  renameSync(partial, file);
}

/** A Java properties file. */
export function properties(values: Properties): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${String(value)}\n`)
    .join('');
}

/** A Hadoop configuration file. */
export function hadoopXml(values: Properties): string {
  const lines = Object.entries(values).map(
    ([name, value]) =>
      `  <property><name>${escapeXml(name)}</name><value>${escapeXml(String(value))}</value></property>\n`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n<configuration>\n${lines.join('')}</configuration>\n`;
}

/** log4j 1 (reload4j) configuration that writes to standard output. */
export function log4j1(level: string, levels: Record<string, string> = {}): string {
  return properties({
    'log4j.rootLogger': `${level}, out`,
    'log4j.appender.out': 'org.apache.log4j.ConsoleAppender',
    'log4j.appender.out.layout': 'org.apache.log4j.PatternLayout',
    'log4j.appender.out.layout.ConversionPattern': '%d{ISO8601} %-5p %c{1} [%t] %m%n',
    ...Object.fromEntries(Object.entries(levels).map(([name, value]) => [`log4j.logger.${name}`, value])),
  });
}

/** log4j 2 configuration that writes to one of the standard streams. */
export function log4j2(
  level: string,
  levels: Record<string, string> = {},
  stream: 'SYSTEM_OUT' | 'SYSTEM_ERR' = 'SYSTEM_OUT',
): string {
  const loggers = Object.entries(levels).flatMap(([name, value], index) => [
    [`logger.l${index}.name`, name],
    [`logger.l${index}.level`, value],
  ]);
  return properties({
    status: 'error',
    'appender.out.type': 'Console',
    'appender.out.name': 'out',
    'appender.out.target': stream,
    'appender.out.layout.type': 'PatternLayout',
    'appender.out.layout.pattern': '%d{ISO8601} %-5p %c{1} [%t] %m%n',
    'rootLogger.level': level,
    'rootLogger.appenderRef.out.ref': 'out',
    ...Object.fromEntries(loggers as [string, string][]),
  });
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
