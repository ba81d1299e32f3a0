import { javaCommand } from '../preflight.js';
import type { Command } from '../proc/daemon.js';

export interface JavaOptions {
  /** Entries before the jars, e.g. a folder of configuration. */
  before?: string[];
  jars: string;
  main: string;
  args?: string[];
  heapMb: number;
  /** Heap from the start; small by default. */
  initialHeapMb?: number;
  /** `-D` and other options of the virtual machine. */
  options?: string[];
}

/** A Java command with a heap limit: all services together must leave memory to the tests beside them. */
export function javaArguments(options: JavaOptions): string[] {
  return [
    `-Xmx${options.heapMb}m`,
    `-Xms${options.initialHeapMb ?? 64}m`,
    '-XX:+ExitOnOutOfMemoryError',
    '-Djava.net.preferIPv4Stack=true',
    '-Djava.awt.headless=true',
    ...(options.options ?? []),
    '-cp',
    [...(options.before ?? []), `${options.jars}/*`].join(':'),
    options.main,
    ...(options.args ?? []),
  ];
}

/** A Java command for a unit. */
export function java(options: JavaOptions, cwd?: string): Command {
  return { file: javaCommand(), args: javaArguments(options), ...(cwd === undefined ? {} : { cwd }) };
}

/** `--add-opens` for Java packages of `java.base`, given without their module. */
export function opens(...packages: string[]): string[] {
  return packages.map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`);
}
