import type { Client } from '@temporalio/client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { follow } from '../../../client/follow.js';

afterEach(() => void vi.restoreAllMocks());

describe('a command that waits for a workflow', () => {
  // Redirected into one file, a progress line in the midst of the result breaks whoever reads it.
  it('tells no progress any more once it has the result, however late the answer to its question comes', async () => {
    const told: string[] = [];
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => told.push(String(text)) > 0);
    let answer: (status: unknown) => void = () => undefined;
    // A real service answers in time: only a question that is still open at the end shows the fault.
    const handle = {
      query: () => new Promise((resolve) => (answer = resolve)),
      result: () => Promise.resolve('done'),
      describe: () => new Promise(() => undefined),
    };
    const client = { workflow: { getHandle: () => handle } } as unknown as Client;
    expect(await follow(client, 'verify/t/1', 'verify' as never, () => 'half way')).toBe('done');
    const before = told.length;
    answer({});
    await new Promise((resolve) => setImmediate(resolve));
    expect(told.slice(before)).toEqual([]);
  });
});
