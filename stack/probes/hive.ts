import { setTimeout as delay } from 'node:timers/promises';
import hive from 'hive-driver';
import { TributaryError } from '../../common/errors.js';

const types = hive.thrift.TCLIService_types as {
  TProtocolVersion: Record<string, number>;
  TOperationState: Record<string, number>;
};

/** Rejects until HiveServer2 opens a session and answers `select 1`. */
export async function probeHive(host: string, port: number, timeoutMs = 15_000): Promise<void> {
  const client = new hive.HiveClient(
    hive.thrift.TCLIService as object,
    hive.thrift.TCLIService_types as never,
  );
  const timer = new AbortController();
  const deadline = delay(timeoutMs, undefined, { signal: timer.signal }).then(() => {
    throw notReady(`HiveServer2 did not answer \`select 1\` within ${timeoutMs / 1000} s`);
  });
  const failed = new Promise<never>((_, reject) => client.on('error', reject));
  try {
    await Promise.race([selectOne(client, host, port), deadline, failed]);
  } finally {
    timer.abort();
    deadline.catch(() => {});
    failed.catch(() => {});
    client.on('error', () => {});
    try {
      client.close();
    } catch {
      // It was never connected.
    }
  }
}

async function selectOne(
  client: InstanceType<typeof hive.HiveClient>,
  host: string,
  port: number,
): Promise<void> {
  await client.connect(
    { host, port },
    new hive.connections.TcpConnection(),
    new hive.auth.NoSaslAuthentication(),
  );
  const protocol = types.TProtocolVersion.HIVE_CLI_SERVICE_PROTOCOL_V10;
  const session = await client.openSession({ client_protocol: protocol ?? 9, username: 'hive' });
  try {
    const operation = await session.executeStatement('select 1', { runAsync: true });
    const { INITIALIZED_STATE, PENDING_STATE, RUNNING_STATE, FINISHED_STATE } = types.TOperationState;
    for (;;) {
      const { operationState: state } = await operation.status(false);
      if (state === FINISHED_STATE) break;
      const goesOn = [INITIALIZED_STATE, PENDING_STATE, RUNNING_STATE].includes(state);
      if (!goesOn) throw notReady(`HiveServer2 ended \`select 1\` in state ${String(state)}`);
      await delay(50);
    }
    await operation.close();
  } finally {
    await session.close();
  }
}

function notReady(message: string): TributaryError {
  return new TributaryError({ code: 'StackNotReady', message, retryable: true });
}
