import type { FormatName } from './spec.js';

/** Members of `from` that not every format takes. */
export const FORMAT_OPTIONS = [
  'zone',
  'message',
  'codec',
  'registry',
  'decimals',
  'times',
  'binaries',
] as const;
export type FormatOption = (typeof FORMAT_OPTIONS)[number];

/** What the configuration must know of a format. */
export interface FormatTraits {
  /** A change log: inserts, updates, deletes. Otherwise plain records. */
  change: boolean;
  /** Its records are documents of MongoDB; `maybe`: Debezium serves both worlds. */
  documents: boolean | 'maybe';
  /** The log names the primary key. */
  namesKey: boolean;
  /** One topic usually carries many tables. */
  sharesTopic: boolean;
  /** Options of `from` that the format takes. */
  options: FormatOption[];
}

const log: FormatTraits = {
  change: true,
  documents: false,
  namesKey: true,
  sharesTopic: true,
  options: [],
};
const records: FormatTraits = { ...log, change: false, namesKey: false, sharesTopic: false };

const TRAITS: Record<FormatName, FormatTraits> = {
  json: records,
  filebeat: { ...records, options: ['message', 'codec'] },
  text: records,
  drainer: { ...log, options: ['zone'] },
  'canal-json': { ...log, options: ['zone'] },
  'open-protocol': { ...log, options: ['zone'] },
  maxwell: { ...log, namesKey: false, options: ['zone'] },
  debezium: {
    ...log,
    documents: 'maybe',
    sharesTopic: false,
    options: ['decimals', 'times', 'binaries'],
  },
  'debezium-avro': {
    ...log,
    documents: 'maybe',
    sharesTopic: false,
    options: ['registry', 'decimals', 'times', 'binaries'],
  },
  mongoshake: { ...log, documents: true },
  'mongo-change-stream': { ...log, documents: true, sharesTopic: false },
};

/** Traits of a format; undefined for a name that is none. */
export function formatTraits(format: string): FormatTraits | undefined {
  return (TRAITS as Record<string, FormatTraits | undefined>)[format];
}

/** Formats of append tables, and of mirrors. */
export const RECORD_FORMATS = (Object.keys(TRAITS) as FormatName[]).filter((name) => !TRAITS[name].change);
export const CHANGE_FORMATS = (Object.keys(TRAITS) as FormatName[]).filter((name) => TRAITS[name].change);
