import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fetchTemporal } from '../fetch/wheel.js';
import { probeTemporal } from '../probes/temporal.js';
import type { Unit, UnitContext } from './unit.js';

/** Search attributes that Tributary's workflows set; the Web UI lists and filters by them. */
export const SEARCH_ATTRIBUTES = {
  TributaryTable: 'Keyword',
  TributaryMode: 'Keyword',
  TributaryPhase: 'Keyword',
  TributarySource: 'Keyword',
  TributaryPaused: 'Bool',
  TributaryLastComplete: 'Keyword',
  TributaryLagSeconds: 'Int',
  TributaryLagRecords: 'Int',
} as const;

/** Temporal with its Web UI, on a SQLite file. */
export const temporal: Unit = {
  name: 'temporal',
  service: 'temporal',
  after: [],
  ports: ['temporal', 'temporalUi', 'temporalHttp', 'temporalMetrics'],
  fetch: (cache, report) => fetchTemporal(cache, 'temporal', report),
  prepare: ({ paths }) => {
    mkdirSync(paths.data('temporal'), { recursive: true });
    return Promise.resolve();
  },
  command: ({ program, paths, ports }: UnitContext) => ({
    file: program,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--log-level', 'warn', '--ui-disable-news-fetch'],
      ...['--port', String(ports.temporal), '--ui-port', String(ports.temporalUi)],
      ...['--http-port', String(ports.temporalHttp), '--metrics-port', String(ports.temporalMetrics)],
      ...['--db-filename', join(paths.data('temporal'), 'temporal.db')],
      ...Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => [
        '--search-attribute',
        `${name}=${type}`,
      ]),
    ],
  }),
  probe: ({ endpoints }) => probeTemporal(endpoints.temporal.address, Object.keys(SEARCH_ATTRIBUTES)),
  readyTimeoutMs: 120_000,
  stopGraceMs: 15_000,
};
