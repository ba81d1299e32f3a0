import { isTributaryError, TributaryError } from '../common/errors.js';
import { streamName, type Stream } from './layout.js';
import type { CommitFile } from './manifest.js';
import type { Storage } from './storage.js';

/**
 * Moves one staged file into `directory`. May be repeated, by several attempts at once: a file of that name and size is the file,
 * because a final name is a function of the ranges and the spec.
 */
export async function placeFile(
  storage: Storage,
  stream: Stream,
  file: CommitFile,
  directory: string,
  signal?: AbortSignal,
): Promise<void> {
  const target = `${directory}/${file.finalName}`;
  let moved: boolean;
  try {
    moved = await storage.rename(file.stagedPath, target, signal);
  } catch (error) {
    if (!isTributaryError(error, 'StorageConflict')) throw error;
    moved = false;
  }
  if (moved) return;
  const there = await storage.stat(target, signal);
  if (there === undefined) throw incomplete(stream, file, target);
  if (there.directory || there.size !== file.bytes) {
    throw new TributaryError({
      code: 'CommitConflict',
      message:
        `Commit to ${streamName(stream)}: ${target} has ${there.size} bytes, the staged file ${file.stagedPath} has ` +
        `${file.bytes}. Another file has taken its name. Move that one away; the commit then goes on.`,
      attributes: { stream: streamName(stream), table: file.table, path: target },
    });
  }
  await storage.remove(file.stagedPath, signal);
}

function incomplete(stream: Stream, file: CommitFile, target: string): TributaryError {
  return new TributaryError({
    code: 'CommitIncomplete',
    message:
      `Commit to ${streamName(stream)}: the file ${file.stagedPath} (${file.rows} rows of ${file.table}) is neither ` +
      `there nor at ${target}. Something else removed it. Positions were not moved; restore the file, or land the range again.`,
    attributes: { stream: streamName(stream), table: file.table, path: file.stagedPath, target },
  });
}
