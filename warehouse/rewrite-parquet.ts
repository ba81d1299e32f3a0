import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TributaryError } from '../common/errors.js';
import { Duck, HIVE_PARQUET_METADATA, lit, type DuckOptions } from './duckdb.js';
import { parquetScan } from './snapshot/parquet.js';

export interface RewrittenFile {
  localPath: string;
  rows: number;
  bytes: number;
}

/**
 * Rewrites Parquet files into one with the same rows. Files of an older schema get NULL in the columns they lack.
 * @throws TributaryError CompactionMismatch if a row got lost on the way, which must stop the partition and not shrink it
 */
export async function rewriteParquet(
  inputs: string[],
  output: string,
  options: DuckOptions & { orderBy?: string },
): Promise<RewrittenFile> {
  const duck = await Duck.open(options);
  try {
    const source = parquetScan(inputs);
    const order = options.orderBy === undefined ? '' : ` ORDER BY ${options.orderBy}`;
    const countOf = async (from: string): Promise<number> =>
      Number((await duck.rows<{ n: string }>(`SELECT count(*)::VARCHAR AS n FROM ${from}`))[0]!.n);
    await duck.run(
      `COPY (SELECT * FROM ${source}${order}) TO ${lit(output)} (FORMAT parquet, COMPRESSION zstd, KV_METADATA ${HIVE_PARQUET_METADATA})`,
    );
    const rows = await countOf(source);
    const written = await countOf(`read_parquet(${lit(output)})`);
    if (rows !== written) {
      throw new TributaryError({
        code: 'CompactionMismatch',
        message: `Rewriting ${inputs.length} files gave ${written} rows of ${rows}. The files stay as they are.`,
        attributes: { rows, written },
      });
    }
    return { localPath: output, rows, bytes: (await stat(output)).size };
  } finally {
    duck.close();
  }
}

/** Local name of the n-th input of a rewrite. */
export function inputPath(dir: string, n: number): string {
  return join(dir, `in-${String(n).padStart(5, '0')}.parquet`);
}
