/** What a storage says of one path. Paths are relative to the storage's root, `/` separated, never beginning with `/`. */
export interface StoredFile {
  path: string;
  size: number;
  directory: boolean;
  modifiedMs: number;
}

/**
 * A file system that Hive can read. Implementations retry what is safe to retry (standby NameNode, safe mode, broken
 * connections) until the signal says stop, and raise TributaryError: StorageUnavailable (retryable),
 * StorageFull (retryable: goes on by itself when there is room), StorageDenied, StorageConflict.
 */
export interface Storage {
  /** Full URI of a path, as Hive wants it in LOCATION. */
  uri(path: string): string;
  /** Copies a local file to `path`, whole or not at all under that name; replaces what is there; makes parents. */
  upload(localFile: string, path: string, signal?: AbortSignal): Promise<void>;
  /** Copies `path` to a local file. */
  download(path: string, localFile: string, signal?: AbortSignal): Promise<void>;
  /** Writes a small file so that readers see the old bytes or the new, never a part. */
  write(path: string, content: string | Buffer, signal?: AbortSignal): Promise<void>;
  /** Reads a small file; undefined if it is not there. */
  read(path: string, signal?: AbortSignal): Promise<Buffer | undefined>;
  stat(path: string, signal?: AbortSignal): Promise<StoredFile | undefined>;
  /** Direct children, sorted by path; empty if the directory is not there. */
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
