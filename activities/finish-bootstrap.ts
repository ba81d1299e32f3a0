import { z } from 'zod';
import { mirrorTable } from '../changelog/mirror-table.js';
import { finishBootstrap as writeManifest } from '../sources/bootstrap.js';
import { finishedBootstrap, markFinished } from '../sources/bootstrap-generation.js';
import { jsonText, parseStored } from '../warehouse/json-file.js';
import { attempt } from './attempt.js';
import { bootstrapSource, readStart, sourceAccess } from './bootstrap-source.js';
import type { ActivityContext } from './context.js';
import { keyOf } from './start-bootstrap.js';
import type { ControlActivities } from './types.js';

const endSchema = z.looseObject({ boundaryMs: z.number() });

/** Makes the chunks a snapshot that the first merge starts from, and says in storage that the bootstrap is whole. */
export function finishBootstrap(context: ActivityContext): ControlActivities['finishBootstrap'] {
  return ({ spec, directory }) =>
    attempt(async ({ signal }) => {
      const { storage } = context;
      const known = await finishedBootstrap(storage, directory, signal);
      if (known) return known;
      const start = await readStart(context, directory, signal);
      const path = `${directory}/_end.json`;
      if (!(await storage.read(path, signal))) {
        const boundaryMs = await bootstrapSource(sourceAccess(context, spec, signal)).end(start);
        await storage.create(path, jsonText({ boundaryMs }), signal);
      }
      const { boundaryMs } = parseStored(endSchema, path, (await storage.read(path, signal))!);
      const key = keyOf(start);
      // The first merge compares by the order key; the wall clock of a bootstrap is never asked for.
      const boundary = { order: start.order, ms: boundaryMs, wall: '1970-01-01 00:00:00' };
      const table = mirrorTable(start.landing, key);
      const manifest = await writeManifest(storage, directory, table, boundary, signal);
      const base = { directory, boundaryMs, rows: manifest.counts.rows, cdcTs: start.cdcTs, key };
      await markFinished(storage, base, signal);
      return base;
    });
}
