import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../../../common/log.js';
import { installRuntime } from '../../../workers/runtime.js';

describe('metrics of a second worker on one machine', () => {
  // The same file on the same machine is what people try first; a stack trace of the SDK's says nothing about the option.
  it('are refused with the address and the option that has it', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const metricsAddress = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    try {
      expect(() => installRuntime(createLogger({ redact: (text) => text }), { metricsAddress })).toThrow(
        new RegExp(`${metricsAddress} \\(worker\\.metrics\\)`),
      );
    } finally {
      other.close();
    }
  });
});
