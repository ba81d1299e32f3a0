import { mkdtemp, readdir, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NoneCatalog } from '../../warehouse/catalog-none.js';
import { Duck, lit } from '../../warehouse/duckdb.js';
import { parsePartitionPath } from '../../warehouse/layout.js';
import { FileStorage } from '../../warehouse/storage-file.js';
import type { Installation } from './support.js';

/**
 * Changes a file of a partition as a person with a heavy hand does.
 * @param statement SQL over its rows, the table `t`
 * @param as name of the file that takes its place, as INSERT OVERWRITE names its own
 */
export async function changeByHand(
  here: Installation,
  table: string,
  partition: string,
  statement: string,
  as?: string,
): Promise<void> {
  const storage = new FileStorage(join(here.dir, 'data'));
  const location = await new NoneCatalog(storage).partitionLocation(table, parsePartitionPath(partition));
  const root = join(here.dir, 'data', storage.pathOf(location!)!);
  const [name] = (await readdir(root)).filter((each) => /^[^._].*\.parquet$/.test(each));
  const file = lit(join(root, name!));
  const dir = await mkdtemp(join(tmpdir(), 'tributary-by-hand-'));
  const duck = await Duck.open({ threads: 1, memoryLimitMb: 512, tempDirectory: dir });
  try {
    await duck.run(`CREATE TABLE t AS SELECT * FROM read_parquet(${file}, hive_partitioning = false)`);
    await duck.run(statement);
    if (as !== undefined) await unlink(join(root, name!));
    await duck.run(`COPY t TO ${as === undefined ? file : lit(join(root, as))} (FORMAT parquet)`);
  } finally {
    duck.close();
    await rm(dir, { recursive: true, force: true });
  }
}
