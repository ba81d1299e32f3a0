import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TributaryError } from '../common/errors.js';
import { Duck, HIVE_PARQUET_METADATA, lit, type DuckOptions } from '../warehouse/duckdb.js';
import { parquetScan } from '../warehouse/snapshot/parquet.js';

export interface RebuildRequest {
  /** Local files of the partition as it is. */
  old: string[];
  /** Local files of the same partition as its offsets read now. */
  fresh: string[];
  /** Where the new files go; made by the call. */
  directory: string;
  targetBytes: number;
}

export interface Rebuilt {
  /** Local paths. */
  files: string[];
  rows: number;
  /** Old rows whose records were read again, and old rows that stay. */
  replaced: number;
  kept: number;
  /** Rows that take the place of the replaced ones. */
  fresh: number;
  /** Records that were read as rows of the partition and had none in it. */
  notAdded: number;
}

/**
 * The new content of a partition: record by record either its old rows or those that it reads as now, so that the records which the
 * partition holds are the same before and after. A record that reads as no row of the partition any more keeps its old rows, and
 * one that had none gets none: it is in the quarantine, in another partition, or still to come. `ingest_batch` stays that of
 * the batch that landed the record. No file if nothing was read again.
 * @throws TributaryError RebuildMismatch if rows got lost on the way
 */
export async function rebuildPartition(request: RebuildRequest, options: DuckOptions): Promise<Rebuilt> {
  const duck = await Duck.open(options);
  try {
    const old = request.old.length === 0 ? undefined : parquetScan(request.old);
    const fresh = request.fresh.length === 0 ? undefined : parquetScan(request.fresh);
    const countOf = async (from: string): Promise<number> =>
      Number((await duck.rows<{ n: string }>(`SELECT count(*) AS n FROM ${from}`))[0]!.n);
    if (!old || !fresh) {
      const kept = old ? await countOf(old) : 0;
      const notAdded = fresh
        ? await countOf(`(SELECT DISTINCT kafka_partition, kafka_offset FROM ${fresh})`)
        : 0;
      return { files: [], rows: kept, replaced: 0, kept, fresh: 0, notAdded };
    }
    await duck.run(
      `CREATE TEMP TABLE was AS SELECT kafka_partition AS p, kafka_offset AS o, min(ingest_batch) AS b FROM ${old} GROUP BY p, o`,
    );
    await duck.run(
      `CREATE TEMP TABLE reads AS SELECT DISTINCT kafka_partition AS p, kafka_offset AS o FROM ${fresh}`,
    );
    const same = (rows: string, keys: string): string =>
      `${rows}.kafka_partition = ${keys}.p AND ${rows}.kafka_offset = ${keys}.o`;
    const replacing = `SELECT n.* REPLACE (was.b AS ingest_batch) FROM ${fresh} n JOIN was ON ${same('n', 'was')}`;
    const keeping = `SELECT r.* FROM ${old} r ANTI JOIN reads ON ${same('r', 'reads')}`;
    const total = await countOf(old);
    const kept = await countOf(`(${keeping})`);
    const counts = {
      replaced: total - kept,
      kept,
      fresh: await countOf(`(${replacing})`),
      notAdded: await countOf('(SELECT * FROM reads ANTI JOIN was ON reads.p = was.p AND reads.o = was.o)'),
    };
    if (counts.replaced === 0) return { files: [], rows: total, ...counts };
    await duck.run(
      `COPY (SELECT * FROM (${replacing} UNION ALL BY NAME ${keeping}) ORDER BY kafka_partition, kafka_offset) ` +
        `TO ${lit(request.directory)} (FORMAT parquet, COMPRESSION zstd, KV_METADATA ${HIVE_PARQUET_METADATA}, ` +
        `FILE_SIZE_BYTES ${Math.max(1, Math.floor(request.targetBytes))})`,
    );
    const files = (await readdir(request.directory)).sort().map((name) => join(request.directory, name));
    const rows = await countOf(parquetScan(files));
    if (rows !== counts.kept + counts.fresh) {
      throw new TributaryError({
        code: 'RebuildMismatch',
        message: `A rebuilt partition has ${rows} rows, ${counts.kept} kept and ${counts.fresh} new ones were expected. It stays as it is.`,
        attributes: { rows, ...counts },
      });
    }
    return { files, rows, ...counts };
  } finally {
    duck.close();
  }
}
