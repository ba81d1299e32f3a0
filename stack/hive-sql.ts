import { TributaryError } from '../common/errors.js';
import { HiveConnection } from '../warehouse/hive-connection.js';
import { HiveConnectionError, HiveStatementError } from '../warehouse/hive-errors.js';
import type { HiveRow } from '../warehouse/hive-rows.js';

const STATEMENT_MS = 3_600_000;

/**
 * Runs a statement on the stack's Hive, for a person who looks around; answers its rows.
 * @throws TributaryError StackNotReady, StatementRefused
 */
export async function hiveSql(host: string, port: number, statement: string): Promise<HiveRow[]> {
  try {
    const connection = await HiveConnection.open({ host, port, auth: 'nosasl', user: 'hive', settings: {} });
    try {
      return await connection.run(statement, { timeoutMs: STATEMENT_MS });
    } finally {
      await connection.close();
    }
  } catch (error) {
    if (error instanceof HiveConnectionError) {
      throw new TributaryError({
        code: 'StackNotReady',
        message: `Hive does not answer at ${host}:${port}: ${error.message}. Is it up (npm run stack -- up hive)?`,
        cause: error,
      });
    }
    if (!(error instanceof HiveStatementError)) throw error;
    throw new TributaryError({ code: 'StatementRefused', message: `Hive: ${error.message}`, cause: error });
  }
}

/** Rows as lines with tabs, below the names of the columns. */
export function rowLines(rows: Record<string, unknown>[]): string {
  const [first] = rows;
  if (!first) return '(no rows)';
  const text = (value: unknown): string =>
    value === null || value === undefined
      ? 'NULL'
      : typeof value === 'string'
        ? value
        : JSON.stringify(value);
  return [Object.keys(first), ...rows.map((row) => Object.values(row).map(text))]
    .map((cells) => cells.join('\t'))
    .join('\n');
}
