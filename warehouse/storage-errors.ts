import { errorMessage, TributaryError } from '../common/errors.js';

export type StorageFault =
  'StorageUnavailable' | 'StorageFull' | 'StorageDenied' | 'StorageConflict' | 'StorageRefused';

const ADVICE: Record<StorageFault, string> = {
  StorageUnavailable: 'It is tried again by itself.',
  StorageFull: 'Make room or raise the quota; it goes on by itself.',
  StorageDenied: 'Give the configured user read and write access to the warehouse root.',
  StorageConflict: 'Something else is at that path; look at it before removing it.',
  StorageRefused: 'See the words of the file system.',
};

/** A fault of a storage, with what was being done to which path. */
export function storageError(
  code: StorageFault,
  action: string,
  path: string,
  detail: string,
  cause?: unknown,
): TributaryError {
  return new TributaryError({
    code,
    message: `Cannot ${action} ${path || '/'}: ${detail.slice(0, 500)}. ${ADVICE[code]}`,
    retryable: code === 'StorageUnavailable' || code === 'StorageFull',
    attributes: { path: path.slice(0, 500) },
    ...(cause === undefined ? {} : { cause }),
  });
}

const BY_ERRNO: Record<string, StorageFault> = {
  ENOSPC: 'StorageFull',
  EDQUOT: 'StorageFull',
  EFBIG: 'StorageFull',
  EACCES: 'StorageDenied',
  EPERM: 'StorageDenied',
  EROFS: 'StorageDenied',
  EEXIST: 'StorageConflict',
  ENOTDIR: 'StorageConflict',
  EISDIR: 'StorageConflict',
  ENOTEMPTY: 'StorageConflict',
  ENAMETOOLONG: 'StorageRefused',
  EINVAL: 'StorageRefused',
};

/** What an error of node:fs means for a storage. Errors of ours and aborts pass through. */
export function fromErrno(error: unknown, action: string, path: string): unknown {
  if (error instanceof TributaryError) return error;
  if (error instanceof Error && error.name === 'AbortError') return error;
  const code = errnoOf(error);
  if (code === undefined) return error;
  return storageError(BY_ERRNO[code] ?? 'StorageUnavailable', action, path, errorMessage(error), error);
}

/** The `code` of an error of Node's, e.g. ENOENT. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
