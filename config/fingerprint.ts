import { contentHash } from '../common/hash.js';
import type { RuntimeConfig } from './runtime.js';

/** What a worker reads from its config once, when it starts, by the name of the section. Secrets are left out. */
export type ConnectionPrints = Record<'kafka' | 'catalog' | 'storage' | 'bootstrap', string>;

/** Digits that tell two connections apart; they go into names that people see. */
const DIGITS = 6;

/** Short hashes of the connections: equal on two machines if both have the same config there. */
export function connectionPrints(runtime: RuntimeConfig): ConnectionPrints {
  const { kafka, catalog, storage, secrets } = runtime;
  return {
    kafka: contentHash(kafka, DIGITS),
    catalog: contentHash(catalog, DIGITS),
    storage: contentHash(storage, DIGITS),
    // A table that reads its source once more needs the source's address, which a worker learns when it starts.
    bootstrap: contentHash(Object.keys(secrets).sort(), DIGITS),
  };
}

/** The prints as a worker tells them in its identity: `123@host kafka=0a1b2c catalog=…`. */
export function printsText(prints: ConnectionPrints): string {
  return Object.entries(prints)
    .map(([section, print]) => `${section}=${print}`)
    .join(' ');
}

/** Sections in which a worker's identity differs from the prints; none for one that does not tell. */
export function differingSections(identity: string, prints: ConnectionPrints): string[] {
  return Object.entries(prints)
    .filter(([section, print]) => {
      const theirs = new RegExp(`\\b${section}=([0-9a-f]+)`).exec(identity)?.[1];
      return theirs !== undefined && theirs !== print;
    })
    .map(([section]) => section);
}
