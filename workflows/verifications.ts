import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ApplicationFailure,
  log,
  ParentClosePolicy,
  setHandler,
  startChild,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow';
import type { TableSpec } from '../config/spec.js';
import * as messages from './reread-messages.js';
import { verifyWorkflowId } from './names.js';
import { rereadSettings } from './reread-settings.js';
import type { IngestSettings } from './ingest-types.js';
import type { VerifiedNote, VerifyAccepted, VerifyRequest } from './verify-types.js';

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** What a table's verifications need of the table. */
export interface VerifyHost {
  spec(): TableSpec;
  settings(): IngestSettings;
  pin(): string | null;
  remember(verified: VerifiedNote): void;
}

/** Why a request is refused; null if it is not. Pure. */
export function refusal(
  request: Partial<VerifyRequest> | undefined,
  table: { name: string; ready: boolean; bootstrap: boolean },
): { code: string; message: string } | null {
  const { id, what } = request ?? {};
  if (typeof id !== 'string' || !ID.test(id)) {
    const message = `A verification's id is 1 to 64 letters, digits, '.', '_' and '-'; not ${JSON.stringify(id)}.`;
    return { code: 'VerifyInvalid', message };
  }
  if (what !== 'log' && what !== 'snapshot') {
    const message = `what is 'log' or 'snapshot', not ${JSON.stringify(what)}.`;
    return { code: 'VerifyInvalid', message };
  }
  if (what === 'snapshot' && !table.bootstrap) {
    const message = `${table.name} has no \`bootstrap\`, so nothing tells where its source is: only its log can be verified.`;
    return { code: 'VerifyInvalid', message };
  }
  if (!table.ready) {
    return {
      code: 'TableNotReady',
      message: `${table.name} is still being prepared. Ask again when it runs.`,
    };
  }
  return null;
}

/** A table's part in its verifications: starts them. They change nothing, so that any number may run. */
export class Verifications {
  constructor(private readonly host: VerifyHost) {
    setHandler(messages.verifyUpdate, (request) => this.start(request), {
      validator: (request: VerifyRequest) => {
        const refused = this.refusal(request);
        if (refused) throw ApplicationFailure.nonRetryable(refused.message, refused.code);
      },
    });
    setHandler(messages.verifiedSignal, (verified) => this.host.remember(verified));
    setHandler(messages.verifySignal, async (request) => {
      const refused = this.refusal(request);
      if (refused) log.warn('verify refused', refused);
      else await this.start(request);
    });
  }

  private refusal(request: VerifyRequest): ReturnType<typeof refusal> {
    const { name, bootstrap } = this.host.spec();
    return refusal(request, { name, ready: this.host.pin() !== null, bootstrap: bootstrap !== undefined });
  }

  private async start(request: VerifyRequest): Promise<VerifyAccepted> {
    const spec = this.host.spec();
    const { id } = request;
    const workflowId = verifyWorkflowId(spec.name, id);
    const { parallelism, splitRecords } = rereadSettings(this.host.settings());
    try {
      await startChild('verify', {
        workflowId,
        args: [
          { table: spec.name, request, spec, pin: this.host.pin()!, settings: { parallelism, splitRecords } },
        ],
        workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
        parentClosePolicy: ParentClosePolicy.ABANDON,
        staticSummary: `compares ${spec.name} with its ${request.what === 'log' ? 'log' : 'source'}`,
      });
      return { id, workflowId, state: 'started' };
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return { id, workflowId, state: 'known' };
      throw error;
    }
  }
}
