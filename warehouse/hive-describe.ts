import type { CatalogColumn } from './catalog.js';
import type { HiveRow } from './hive-rows.js';

/** What DESCRIBE FORMATTED tells of a table or a partition. */
export interface HiveDescription {
  columns: CatalogColumn[];
  partitionColumns: string[];
  /** `Location`, `Table Type`, `InputFormat` ... */
  facts: Record<string, string>;
  /** Parameters of the table or partition, and of its SerDe, in one. */
  parameters: Record<string, string>;
}

/**
 * Reads the rows of DESCRIBE FORMATTED: three columns of text in sections, where empty cells come as null or as blanks
 * and values are escaped as in Java.
 */
export function parseDescription(rows: HiveRow[]): HiveDescription {
  const found: HiveDescription = { columns: [], partitionColumns: [], facts: {}, parameters: {} };
  let section: 'columns' | 'partition columns' | 'facts' = 'columns';
  let inParameters = false;
  for (const row of rows) {
    const [first = '', second = '', third = ''] = Object.values(row).map((cell) => (cell ?? '').trim());
    if (first.startsWith('#')) {
      if (/^# Partition Information/.test(first)) section = 'partition columns';
      else if (/^# (Detailed|Storage)/.test(first)) section = 'facts';
      inParameters = false;
    } else if (section === 'facts') {
      if (first.endsWith(':')) {
        inParameters = / (Parameters|Params):$/.test(first);
        if (!inParameters) found.facts[first.slice(0, -1)] = second;
      } else if (first === '' && second !== '' && inParameters) {
        found.parameters[unescaped(second)] = unescaped(third);
      }
    } else if (first !== '' && section === 'partition columns') {
      found.partitionColumns.push(first);
    } else if (first !== '') {
      found.columns.push({ name: first, type: second, ...(third === '' ? {} : { comment: third }) });
    }
  }
  return found;
}

function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  try {
    return JSON.parse(
      `"${text.replaceAll(/(?<!\\)((?:\\\\)*)"/g, '$1\\"').replaceAll("\\'", "'")}"`,
    ) as string;
  } catch {
    return text;
  }
}
