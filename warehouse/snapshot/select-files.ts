import { orderBound } from './boundary.js';
import type { Boundary, SourceFile } from './types.js';

/** A changelog file as its commit (or a compaction) describes it. */
export interface ChangelogFile extends SourceFile {
  /** Stream of commits, and the sequence of the commit; of a compacted file that of its last commit. */
  stream: string;
  seq: number;
  /** Bounds of the rows, as the manifests have them. */
  minCdcTs: string | null;
  maxCdcTs: string | null;
  minEventMs: number | null;
  maxEventMs: number | null;
}

/** What the previous snapshot has taken in. */
export interface MergedBefore {
  boundaryMs: number;
  applied: Readonly<Record<string, number>>;
}

/**
 * The changelog files that a snapshot needs: those with changes before its boundary that were committed since the previous
 * snapshot, or that the previous one left out because they were beyond its own. Bounds that are not known are wide.
 */
export function selectFiles(
  files: readonly ChangelogFile[],
  boundary: Boundary,
  before: MergedBefore | undefined,
): ChangelogFile[] {
  const reaches = (file: ChangelogFile, ms: number, side: 'min' | 'max'): boolean => {
    const bound = orderBound(boundary.order, ms);
    if (bound === undefined) {
      const at = side === 'min' ? file.minEventMs : file.maxEventMs;
      return at === null ? side === 'max' : at >= ms;
    }
    const ts = side === 'min' ? file.minCdcTs : file.maxCdcTs;
    return ts === null ? side === 'max' : BigInt(ts) >= bound;
  };
  return files.filter((file) => {
    if (file.rows === 0 || reaches(file, boundary.ms, 'min')) return false;
    if (before === undefined || file.seq > (before.applied[file.stream] ?? 0)) return true;
    return reaches(file, before.boundaryMs, 'max');
  });
}
