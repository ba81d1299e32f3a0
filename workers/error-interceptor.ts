import { ApplicationFailure } from '@temporalio/common';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { TributaryError } from '../common/errors.js';
import { redactForeign } from '../common/redact.js';

/**
 * Turns the errors that Tributary raises on purpose into Temporal failures of the same name: `code` is the type that
 * retry policies and people see. All others pass as they are and are retried.
 */
export class ErrorInterceptor implements ActivityInboundCallsInterceptor {
  constructor(private readonly redact: (text: string) => string) {}

  async execute(
    input: ActivityExecuteInput,
    next: Next<ActivityInboundCallsInterceptor, 'execute'>,
  ): Promise<unknown> {
    try {
      return await next(input);
    } catch (error) {
      throw this.translate(error);
    }
  }

  private translate(error: unknown): unknown {
    if (error instanceof TributaryError) {
      return ApplicationFailure.create({
        type: error.code,
        message: this.redact(error.message),
        nonRetryable: !error.retryable,
        details: [error.attributes],
        ...(error.cause instanceof Error && { cause: this.clean(error.cause) }),
      });
    }
    if (error instanceof Error && !(error instanceof ApplicationFailure)) return this.clean(error);
    return error;
  }

  /** Drivers like to put addresses with passwords into their messages. */
  private clean(error: Error): Error {
    error.message = redactForeign(error.message);
    if (error.stack) error.stack = redactForeign(error.stack);
    return error;
  }
}
