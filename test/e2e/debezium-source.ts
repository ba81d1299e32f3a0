import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { endpoints } from './support.js';

/** A database on the stack's MariaDB, and Debezium connectors that read it. */
export class DebeziumSource {
  private readonly connectors: string[] = [];

  private constructor(
    readonly database: string,
    readonly sql: Connection,
  ) {}

  static async open(database: string): Promise<DebeziumSource> {
    const sql = await createConnection({
      uri: endpoints.mariadb.url,
      supportBigNumbers: true,
      dateStrings: true,
    });
    await sql.query(`SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES'`);
    await sql.query(`CREATE DATABASE ${database}`);
    await sql.query(`USE ${database}`);
    return new DebeziumSource(database, sql);
  }

  /** Starts a connector whose topics begin with `prefix`, and waits until it runs. */
  async connect(prefix: string, settings: Record<string, string | number | boolean>): Promise<void> {
    const { host, port } = endpoints.mariadb;
    const config = {
      'connector.class': 'io.debezium.connector.mariadb.MariaDbConnector',
      'database.hostname': host,
      'database.port': port,
      'database.user': 'root',
      'database.password': '',
      'database.ssl.mode': 'disable',
      'database.server.id': 10_000 + Math.floor(Math.random() * 1_000_000),
      'database.include.list': this.database,
      'topic.prefix': prefix,
      'topic.creation.default.replication.factor': 1,
      'topic.creation.default.partitions': 1,
      'schema.history.internal.kafka.bootstrap.servers': endpoints.kafka.brokers.join(','),
      'schema.history.internal.kafka.topic': `${prefix}.history`,
      'poll.interval.ms': 100,
      ...settings,
    };
    const named = Object.fromEntries(Object.entries(config).map(([name, value]) => [name, String(value)]));
    await this.request('POST', '/connectors', { name: prefix, config: named });
    this.connectors.push(prefix);
    const deadline = Date.now() + 60_000;
    for (;;) {
      const status = (await this.request('GET', `/connectors/${prefix}/status`).catch(() => undefined)) as
        { tasks: { state: string; trace?: string }[] } | undefined;
      const [task] = status?.tasks ?? [];
      if (task?.state === 'RUNNING') return;
      if (task?.state === 'FAILED' || Date.now() > deadline) {
        throw new Error(`connector ${prefix} does not run: ${JSON.stringify(status)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  async rows(query: string): Promise<Record<string, string | null>[]> {
    const [rows] = await this.sql.query<RowDataPacket[]>(query);
    return rows;
  }

  async close(): Promise<void> {
    for (const name of this.connectors) {
      await this.request('DELETE', `/connectors/${name}`).catch(() => undefined);
    }
    await this.sql.query(`DROP DATABASE IF EXISTS ${this.database}`);
    await this.sql.end();
  }

  private async request(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(endpoints.connect.url + path, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
}

/** True if Kafka Connect and MariaDB of the stack run: `npm run stack -- up mariadb connect`. */
export async function debeziumRuns(): Promise<boolean> {
  try {
    await fetch(`${endpoints.connect.url}/connectors`, { signal: AbortSignal.timeout(3_000) });
    const connection = await createConnection(endpoints.mariadb.url);
    await connection.end();
    return true;
  } catch {
    return false;
  }
}
