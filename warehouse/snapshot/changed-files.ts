import { baseName } from '../layout.js';
import type { SnapshotFile, SnapshotManifest } from './manifest.js';

/** What became of a published snapshot's files. */
export interface ChangedFiles {
  /** As they were published. */
  intact: SnapshotFile[];
  /** Not there any more, or written over. */
  gone: SnapshotFile[];
  /** Paths of files that readers see and that are not as published. */
  foreign: string[];
}

/**
 * Compares a snapshot's files with what was published. Pure.
 * @param present all entries of its directory
 */
export function changedFiles(
  { files }: Pick<SnapshotManifest, 'files'>,
  present: readonly { path: string; size: number }[],
): ChangedFiles {
  const sizes = new Map(present.map(({ path, size }) => [baseName(path), size]));
  const intact = files.filter(({ name, bytes }) => sizes.get(name) === bytes);
  const known = new Set(intact.map(({ name }) => name));
  return {
    intact,
    gone: files.filter(({ name }) => !known.has(name)),
    foreign: present
      .map(({ path }) => path)
      .filter((path) => !known.has(baseName(path)) && !/^[._]/.test(baseName(path))),
  };
}

/** The same in words; null if nothing was changed. */
export function changedText({ intact, gone, foreign }: ChangedFiles): string | null {
  if (gone.length + foreign.length === 0) return null;
  const parts = [
    ...(gone.length > 0
      ? [`${gone.length} of its ${gone.length + intact.length} files are gone or written over`]
      : []),
    ...(foreign.length > 0
      ? [
          `${baseName(foreign[0]!)}${foreign.length > 1 ? ` and ${foreign.length - 1} more` : ''} came from elsewhere`,
        ]
      : []),
  ];
  return `someone changed the snapshot's files (INSERT OVERWRITE, say): ${parts.join('; ')}`;
}
