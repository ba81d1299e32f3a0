import { storageError, type StorageFault } from './storage-errors.js';
import type { TributaryError } from '../common/errors.js';
import { redactForeign } from '../common/redact.js';

/** An answer of a NameNode or DataNode that is not success. */
export interface RemoteFault {
  status: number;
  /** Short name of the Java exception; empty where the answer was not WebHDFS's JSON. */
  exception: string;
  message: string;
}

/** Raised inside the client for faults that callers handle by name; never leaves the room. */
export class WebHdfsError extends Error {
  /** An earlier try of the same call may have taken effect, with its answer lost. */
  repeated = false;

  constructor(readonly fault: RemoteFault) {
    super(`${fault.exception || `HTTP ${fault.status}`}: ${fault.message}`);
    this.name = 'WebHdfsError';
  }
}

/** What to do about an answer: ask the other NameNode, ask again, or give up. */
export type Verdict = 'standby' | 'again' | 'final';

const AGAIN = new Set([
  'SafeModeException',
  'RetriableException',
  'AlreadyBeingCreatedException',
  'RecoveryInProgressException',
  'LeaseExpiredException',
  'NotReplicatedYetException',
  'ConnectException',
  'ConnectTimeoutException',
  'SocketTimeoutException',
  'NoRouteToHostException',
  'EOFException',
  'ServerTooBusyException',
]);

const NO_ROOM = [
  /could only be (replicated|written) to 0/i,
  /no space left/i,
  /out of space/i,
  /insufficient (disk )?space/i,
];

/** Classifies an answer. */
export function verdictOf(fault: RemoteFault): Verdict {
  if (
    fault.exception === 'StandbyException' ||
    /operation category \w+ is not supported in state standby/i.test(fault.message)
  ) {
    return 'standby';
  }
  if (AGAIN.has(fault.exception) || /in safe mode/i.test(fault.message)) return 'again';
  if (faultName(fault) === 'StorageUnavailable') return 'again';
  return 'final';
}

/** The error that a caller of the storage sees. */
export function toStorageError(fault: RemoteFault, action: string, path: string): TributaryError {
  const words = `${fault.exception || `HTTP ${fault.status}`}: ${redactForeign(firstLine(fault.message))}`;
  return storageError(faultName(fault), action, path, words);
}

function faultName({ status, exception, message }: RemoteFault): StorageFault {
  if (AGAIN.has(exception) || exception === 'StandbyException' || /in safe mode/i.test(message)) {
    return 'StorageUnavailable';
  }
  if (/there are 0 datanode|failed to find datanode/i.test(message)) return 'StorageUnavailable';
  if (/QuotaExceeded/.test(exception) || NO_ROOM.some((pattern) => pattern.test(message)))
    return 'StorageFull';
  switch (exception) {
    case 'AccessControlException':
    case 'SecurityException':
    case 'AuthorizationException':
      return 'StorageDenied';
    case 'FileAlreadyExistsException':
    case 'ParentNotDirectoryException':
    case 'PathIsNotDirectoryException':
      return 'StorageConflict';
    case 'InvalidPathException':
    case 'IllegalArgumentException':
    case 'UnsupportedOperationException':
    case 'FileNotFoundException':
      return 'StorageRefused';
  }
  if (status === 401) return 'StorageDenied';
  if (/must both be (directories|files)|is a directory|already exists as a directory/i.test(message))
    return 'StorageConflict';
  // A generic IOException: a DataNode that died, a pipeline that broke. Bounded retries find out.
  return status >= 500 || /IOException$/.test(exception) ? 'StorageUnavailable' : 'StorageRefused';
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
