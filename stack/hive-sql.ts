import hive from 'hive-driver';
import { TributaryError, errorMessage } from '../common/errors.js';

const PROTOCOL_V10 = 9;

type Row = Record<string, unknown>;

/**
 * Runs a statement on the stack's Hive, for a person who looks around; answers its rows.
 * @throws TributaryError StackNotReady, StatementRefused
 */
export async function hiveSql(host: string, port: number, statement: string): Promise<Row[]> {
  const types = hive.thrift.TCLIService_types as never;
  const client = new hive.HiveClient(hive.thrift.TCLIService as object, types);
  const utils = new hive.HiveUtils(types);
  // An 'error' event without a listener would end the process before it has said why.
  client.on('error', () => undefined);
  try {
    await client
      .connect({ host, port }, new hive.connections.TcpConnection(), new hive.auth.NoSaslAuthentication())
      .catch((error: unknown) => {
        throw new TributaryError({
          code: 'StackNotReady',
          message: `Hive does not answer at ${host}:${port}: ${errorMessage(error)}. Is it up (npm run stack -- up hive)?`,
          cause: error,
        });
      });
    const session = await client.openSession({ client_protocol: PROTOCOL_V10, username: 'hive' });
    try {
      const operation = await session.executeStatement(statement, { runAsync: true });
      await utils.waitUntilReady(operation, false);
      await utils.fetchAll(operation);
      const rows = utils.getResult(operation).getValue() as Row[] | null;
      await operation.close();
      return rows ?? [];
    } catch (error) {
      throw new TributaryError({
        code: 'StatementRefused',
        message: `Hive: ${wordsOf(error)}`,
        cause: error,
      });
    } finally {
      await session.close();
    }
  } finally {
    client.close();
  }
}

/** The driver's errors are not all Errors, and Hive's words are deeper inside. */
function wordsOf(error: unknown): string {
  const { message, response } = (error ?? {}) as {
    message?: string;
    response?: { errorMessage?: string };
  };
  return response?.errorMessage ?? message ?? errorMessage(error);
}

/** Rows as lines with tabs, below the names of the columns. */
export function rowLines(rows: Row[]): string {
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
