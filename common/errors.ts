import { redactForeign } from './redact.js';

/** Values an error may carry: small, JSON, and never a secret. */
export type ErrorAttributes = Record<string, string | number | boolean | null | string[] | number[]>;

export interface TributaryErrorInit {
  /** Stable name of the fault, in PascalCase; it becomes Temporal's failure type. */
  code: string;
  /** What happened, where (file, line, table, partition, offset), and what to do about it. */
  message: string;
  /** True if the same call may succeed later without a person's help. Default false. */
  retryable?: boolean;
  attributes?: ErrorAttributes;
  cause?: unknown;
}

/**
 * The one family of errors that Tributary raises on purpose. Anything else that surfaces is a defect or a fault of
 * the environment and keeps its own class and cause.
 */
export class TributaryError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly attributes: ErrorAttributes;

  constructor(init: TributaryErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = 'TributaryError';
    this.code = init.code;
    this.retryable = init.retryable ?? false;
    this.attributes = init.attributes ?? {};
  }
}

/** True for a TributaryError, with an optional check of its code. */
export function isTributaryError(error: unknown, code?: string): error is TributaryError {
  return error instanceof TributaryError && (code === undefined || error.code === code);
}

/** The message of anything that can be thrown, for putting into another message; what others wrote comes without secrets. */
export function errorMessage(error: unknown): string {
  if (error instanceof TributaryError) return error.message;
  if (error instanceof Error) return redactForeign(error.message);
  return redactForeign(typeof error === 'string' ? error : String(JSON.stringify(error)));
}

/**
 * The same error, naming the one table of a shared topic that it is about (attribute `member`): the others can go on without it.
 * What waiting may mend, or what no one raised on purpose, is nobody's in particular and stays as it is.
 */
export function blame(error: unknown, member: string): unknown {
  if (!(error instanceof TributaryError) || error.retryable || 'member' in error.attributes) return error;
  const { code, message, attributes, cause } = error;
  return new TributaryError({ code, message, attributes: { ...attributes, member }, cause });
}
