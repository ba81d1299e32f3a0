import { TributaryError } from '../common/errors.js';

/** Default ports, the services' own where they have one. docker-compose.yml publishes the same. */
export const DEFAULT_PORTS = {
  temporal: 7233,
  temporalUi: 8233,
  temporalHttp: 7243,
  temporalMetrics: 7244,
  kafka: 9092,
  kafkaController: 9093,
  namenode: 8020,
  namenodeHttp: 9870,
  datanode: 9866,
  datanodeHttp: 9864,
  datanodeIpc: 9867,
  hive: 10000,
  tidb: 4000,
  tidbStatus: 10080,
  mongo: 27017,
  mariadb: 3306,
  connect: 8083,
} as const;

export type PortName = keyof typeof DEFAULT_PORTS;
export type Ports = Record<PortName, number>;

const MAX_OFFSET = 65535 - Math.max(...Object.values(DEFAULT_PORTS));

/** All ports of a stack whose ports are moved by `offset`. */
export function portsFor(offset: number): Ports {
  const entries = Object.entries(DEFAULT_PORTS).map(([name, port]) => [name, port + offset]);
  return Object.fromEntries(entries) as Ports;
}

/** Reads a port offset from a command line or the environment. */
export function parsePortOffset(text: string): number {
  const offset = Number(text);
  if (!/^\d+$/.test(text.trim()) || offset > MAX_OFFSET) {
    throw new TributaryError({
      code: 'StackPortOffset',
      message: `The port offset must be a whole number from 0 to ${MAX_OFFSET}, not "${text}".`,
    });
  }
  return offset;
}

/** The smallest multiple of 100 above `offset` for which every one of `names` is free. */
export async function suggestOffset(
  offset: number,
  names: PortName[],
  isFree: (port: number) => Promise<boolean>,
): Promise<number | undefined> {
  for (let candidate = offset + 100; candidate <= Math.min(MAX_OFFSET, offset + 3000); candidate += 100) {
    const free = await Promise.all(names.map((name) => isFree(DEFAULT_PORTS[name] + candidate)));
    if (free.every(Boolean)) return candidate;
  }
  return undefined;
}
