import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runMirrorDemo } from '../../demo/mirror/run.js';

// What the whole mission is about, in its shortest form: databases of two kinds, three formats of logs, a killed worker, two boundaries;
// every snapshot that Hive shows equals its source as of the boundary, row by row.
it('npm run demo -- mirror: snapshots in Hive equal TiDB and MongoDB as of their boundaries', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-mirror-demo-'));
  expect(await runMirrorDemo({ lite: false, boundaries: 2, orders: 1_000, dir })).toBe(true);
});
