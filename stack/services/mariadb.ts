import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { toolMissing } from '../preflight.js';
import { probeMysql } from '../probes/mysql.js';
import { runChecked } from '../proc/run.js';
import type { Unit } from './unit.js';

/** The distribution's MariaDB with a row binlog: a source for Debezium. */
export const mariadb: Unit = {
  name: 'mariadb',
  service: 'mariadb',
  after: [],
  ports: ['mariadb'],
  fetch: () => {
    const program = findServer();
    return program === undefined ? Promise.reject(toolMissing('mariadbd')) : Promise.resolve(program);
  },
  prepare: async ({ paths, report }) => {
    const data = paths.data('mariadb');
    // Written last, so that tables cut short are made again.
    const mark = join(data, 'system-tables-made');
    if (existsSync(mark)) return;
    rmSync(data, { recursive: true, force: true });
    mkdirSync(data, { recursive: true });
    report('mariadb', 'making its system tables');
    await runChecked('Making the system tables of MariaDB', 'mariadb-install-db', [
      ...['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db'],
      ...asUser(),
    ]);
    writeFileSync(mark, '');
  },
  command: ({ program, paths, ports }) => ({
    file: program,
    args: [
      ...['--no-defaults', `--datadir=${paths.data('mariadb')}`, ...asUser()],
      // Relative to the data directory: the path of a socket may not be long.
      ...['--bind-address=127.0.0.1', `--port=${ports.mariadb}`, '--socket=mariadb.sock'],
      ...['--server-id=1', '--log-bin=binlog', '--binlog-format=ROW', '--binlog-row-image=FULL'],
      ...['--character-set-server=utf8mb4', '--default-time-zone=+00:00', '--skip-name-resolve'],
    ],
  }),
  probe: ({ endpoints }) => probeMysql(endpoints.mariadb.host, endpoints.mariadb.port),
  readyTimeoutMs: 60_000,
  stopGraceMs: 20_000,
};

/** Debian keeps servers in sbin, which is not on everyone's PATH. */
function findServer(): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, 'mariadbd')).find((file) => existsSync(file));
}

/** MariaDB refuses to run as root unless told so. */
function asUser(): string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : [];
}
