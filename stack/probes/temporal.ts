import { Connection } from '@temporalio/client';
import { TributaryError } from '../../common/errors.js';

/** Rejects until Temporal serves its default namespace with the given search attributes. */
export async function probeTemporal(address: string, searchAttributes: string[]): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: '3s' });
  try {
    await connection.withDeadline(Date.now() + 4000, async () => {
      await connection.workflowService.describeNamespace({ namespace: 'default' });
      const { customAttributes } = await connection.operatorService.listSearchAttributes({
        namespace: 'default',
      });
      const missing = searchAttributes.filter((name) => !(name in (customAttributes ?? {})));
      if (missing.length === 0) return;
      throw new TributaryError({
        code: 'StackNotReady',
        message: `Temporal does not have the search attributes ${missing.join(', ')} yet`,
        retryable: true,
      });
    });
  } finally {
    await connection.close();
  }
}
