import { mkdirSync } from 'node:fs';
import { buildGo } from '../fetch/go.js';
import { probeMongo } from '../probes/mongo.js';
import type { Unit } from './unit.js';

/** The MongoDB protocol, served by FerretDB over SQLite files. */
export const mongo: Unit = {
  name: 'mongo',
  service: 'mongo',
  after: [],
  ports: ['mongo'],
  fetch: (cache, report) =>
    buildGo(
      cache,
      {
        module: 'ferretdb',
        package: '.',
        binary: 'ferretdb',
        ldflags: '-s -w',
        expectation: 'about 3 minutes, once',
      },
      'mongo',
      report,
    ),
  prepare: ({ paths }) => {
    mkdirSync(paths.data('mongo'), { recursive: true });
    return Promise.resolve();
  },
  command: ({ program, paths, ports }) => ({
    file: program,
    args: ['-listen', `127.0.0.1:${ports.mongo}`, '-dir', paths.data('mongo')],
  }),
  probe: ({ endpoints }) => probeMongo(endpoints.mongo.url),
  readyTimeoutMs: 60_000,
  stopGraceMs: 10_000,
};
