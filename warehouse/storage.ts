/** What a storage says of one path. Paths are relative to the storage's root, `/` separated, never beginning with `/`. */
export interface StoredFile {
  path: string;
  size: number;
  directory: boolean;
  modifiedMs: number;
}

/**
 * A file system that Hive can read. Implementations retry what is safe to retry (standby NameNode, safe mode, broken
 * connections) for a bounded time or until the signal says stop, and raise TributaryError: StorageUnavailable
 * (retryable), StorageFull (retryable: goes on by itself when there is room), StorageDenied, StorageConflict,
 * StorageRefused (the file system's own words), InvalidPath.
 */
export interface Storage {
  readonly kind: 'file' | 'webhdfs';
  /** Full URI of a path, as Hive wants it in LOCATION. */
  uri(path: string): string;
  /** The path of a URI that `uri` gave; undefined for a place outside the root. */
  pathOf(uri: string): string | undefined;
  /** Copies a local file to `path`, whole or not at all under that name; replaces what is there; makes parents. */
  upload(localFile: string, path: string, signal?: AbortSignal): Promise<void>;
  /** Copies `path` to a local file, whole or not at all under that name. */
  download(path: string, localFile: string, signal?: AbortSignal): Promise<void>;
  /** Copies a file inside the storage; the target appears whole or not at all, and replaces what is there. */
  copy(from: string, to: string, signal?: AbortSignal): Promise<void>;
  /** Writes a small file so that readers see the old bytes or the new, never a part. */
  write(path: string, content: string | Buffer, signal?: AbortSignal): Promise<void>;
  /** Writes a small file only if its name is free: of many callers one gets true. It appears whole. */
  create(path: string, content: string | Buffer, signal?: AbortSignal): Promise<boolean>;
  /** Reads a small file; undefined if it is not there. */
  read(path: string, signal?: AbortSignal): Promise<Buffer | undefined>;
  stat(path: string, signal?: AbortSignal): Promise<StoredFile | undefined>;
  /** Direct children, sorted by path, without half-written files; empty if the directory is not there. */
  list(path: string, signal?: AbortSignal): Promise<StoredFile[]>;
  makeDirectory(path: string, signal?: AbortSignal): Promise<void>;
  /**
   * Moves a file, making the target's parents. False if the source is not there. An existing target is an error
   * (StorageConflict), because two files must never claim one final name.
   */
  rename(from: string, to: string, signal?: AbortSignal): Promise<boolean>;
  /** Removes a file or a whole directory; no error if it is not there. */
  remove(path: string, signal?: AbortSignal): Promise<void>;
}

/** Names of files that are being written; hidden from Hive and from `list`. */
export const TEMPORARY_PREFIX = '.tmp-';
