/** A file that might be compacted. */
export interface CompactionFile {
  path: string;
  size: number;
}

export interface CompactionPlan {
  /** Each group becomes one file. */
  groups: CompactionFile[][];
  /** Paths of all files in the groups; every other file of the partition stays as it is. */
  inputs: string[];
}

/** Share of the target from which on a file is large enough to stay. */
const LARGE = 0.5;

/**
 * Which files of a partition to rewrite: the small ones, in the order of their names (which is the order of their offsets), packed
 * to about `targetBytes`. Undefined if there are fewer than `minFiles` of them or nothing would become fewer.
 */
export function planCompaction(
  files: CompactionFile[],
  { targetBytes, minFiles }: { targetBytes: number; minFiles: number },
): CompactionPlan | undefined {
  const small = files
    .filter((file) => file.size < targetBytes * LARGE)
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  if (small.length < Math.max(2, minFiles)) return undefined;
  const groups: CompactionFile[][] = [];
  let room = 0;
  for (const file of small) {
    if (groups.length === 0 || file.size > room) {
      groups.push([]);
      room = targetBytes;
    }
    groups.at(-1)?.push(file);
    room -= file.size;
  }
  const worth = groups.filter((group) => group.length > 1);
  if (worth.length === 0) return undefined;
  return { groups: worth, inputs: worth.flat().map((file) => file.path) };
}
