import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildGo } from '../fetch/go.js';
import { probeMysql, setGcSafePoint } from '../probes/mysql.js';
import { VERSIONS } from '../versions.js';
import type { Unit } from './unit.js';

/** TiDB with its embedded storage engine. */
export const tidb: Unit = {
  name: 'tidb',
  service: 'tidb',
  after: [],
  ports: ['tidb', 'tidbStatus'],
  fetch: (cache, report) =>
    buildGo(
      cache,
      {
        module: 'tidb',
        package: 'github.com/pingcap/tidb/cmd/tidb-server',
        binary: 'tidb-server',
        ldflags: `-s -w -X github.com/pingcap/tidb/pkg/parser/mysql.TiDBReleaseVersion=v${VERSIONS.tidb}`,
        expectation: 'about 8 minutes on 2 cores, once',
      },
      'tidb',
      report,
    ),
  prepare: ({ paths }) => {
    mkdirSync(join(paths.data('tidb'), 'tmp'), { recursive: true });
    return Promise.resolve();
  },
  command: ({ program, paths, ports }) => ({
    file: program,
    args: [
      ...['-store', 'unistore', '-path', join(paths.data('tidb'), 'store')],
      ...['-host', '127.0.0.1', '-P', String(ports.tidb), '-status-host', '127.0.0.1'],
      ...['-status', String(ports.tidbStatus), '-lease', '0', '-L', 'warn'],
      ...['-socket', join(paths.data('tidb'), 'tidb.sock'), '-temp-dir', join(paths.data('tidb'), 'tmp')],
    ],
    env: { GOMEMLIMIT: '1GiB' },
  }),
  probe: ({ endpoints }) => probeMysql(endpoints.tidb.host, endpoints.tidb.port),
  afterReady: ({ endpoints }) => setGcSafePoint(endpoints.tidb.host, endpoints.tidb.port),
  readyTimeoutMs: 180_000,
  stopGraceMs: 20_000,
};
