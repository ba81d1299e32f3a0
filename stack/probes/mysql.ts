import { type Connection, createConnection } from 'mysql2/promise';

/** Rejects until a server of the MySQL protocol (TiDB, MariaDB) answers a query. */
export async function probeMysql(host: string, port: number): Promise<void> {
  await withConnection(host, port, (connection) => connection.query('select 1'));
}

/** TiDB's embedded storage runs no garbage collector, and without a safe point reads as of a TSO are refused. */
export async function setGcSafePoint(host: string, port: number): Promise<void> {
  const statement =
    "INSERT IGNORE INTO mysql.tidb VALUES ('tikv_gc_safe_point','20240101-00:00:00 +0000','')";
  await withConnection(host, port, (connection) => connection.query(statement));
}

async function withConnection(
  host: string,
  port: number,
  work: (connection: Connection) => Promise<unknown>,
) {
  const connection = await createConnection({ host, port, user: 'root', connectTimeout: 3000 });
  // A server that dies in the middle is reported by the query; without a listener it would end this process.
  connection.on('error', () => {});
  try {
    await work(connection);
  } finally {
    connection.destroy();
  }
}
