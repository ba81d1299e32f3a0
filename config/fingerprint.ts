import { contentHash } from '../common/hash.js';
import type { RuntimeConfig } from './runtime.js';

/** Connections that a worker keeps as they were when it started, by their keys in the config. Secrets are left out. */
export type ConnectionPrints = Record<string, string>;

/** Digits that tell two connections apart; they go into names that people see. */
const DIGITS = 6;

/** Short hashes of the connections: equal on two machines if both have the same config there. */
export function connectionPrints(runtime: RuntimeConfig): ConnectionPrints {
  const { kafka, catalog, storage } = runtime;
  return {
    // One each: a worker reads a cluster that it does not know yet when a table asks for it.
    ...Object.fromEntries(
      Object.entries(kafka).map(([name, cluster]) => [`kafka.${name}`, contentHash(cluster, DIGITS)]),
    ),
    catalog: contentHash(catalog, DIGITS),
    storage: contentHash(storage, DIGITS),
  };
}

/** The prints as a worker tells them in its identity: `123@host kafka.main=0a1b2c catalog=…`. */
export function printsText(prints: ConnectionPrints): string {
  return Object.entries(prints)
    .map(([section, print]) => `${section}=${print}`)
    .join(' ');
}

/** Sections in which a worker's identity differs from the prints; none for one that does not tell. */
export function differingSections(identity: string, prints: ConnectionPrints): string[] {
  const theirs = new Map(identity.split(' ').map((part) => part.split('=') as [string, string | undefined]));
  return Object.keys(prints).filter((section) => {
    const print = theirs.get(section);
    return print !== undefined && print !== prints[section];
  });
}
