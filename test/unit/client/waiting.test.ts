import { describe, expect, it } from 'vitest';
import { telling, type Reason } from '../../../client/waiting.js';

/** Waits with these reasons, one a look, until all were looked at. */
async function said(reasons: (Reason | undefined | Error)[]): Promise<string[]> {
  const lines: string[] = [];
  let look = 0;
  let end: (value: string) => void = () => undefined;
  const answer = new Promise<string>((resolve) => (end = resolve));
  const why = (): Promise<Reason | undefined> => {
    const reason = reasons[look++];
    if (look > reasons.length) end('the answer');
    return reason instanceof Error ? Promise.reject(reason) : Promise.resolve(reason);
  };
  const say = (line: string): void => void lines.push(line);
  await expect(telling(answer, why, { everyMs: 1, say })).resolves.toBe('the answer');
  return lines;
}

const down = (attempt: number): Reason => ({
  key: 'KafkaUnavailable',
  text: `Kafka is down, attempt ${attempt}`,
});

// A command that stood still during an outage looked like one that hangs; people ended it and asked again.
describe('a command that waits', () => {
  it('says what for, once and not at every attempt, and again if it is something else or comes back', async () => {
    const other = { key: 'StorageUnavailable', text: 'HDFS is down' };
    expect(await said([down(1), down(2), other, other, undefined, down(3)])).toEqual([
      'Kafka is down, attempt 1',
      'HDFS is down',
      'Kafka is down, attempt 3',
    ]);
  });

  it('goes on waiting if nobody can tell what for', async () => {
    expect(await said([new Error('Temporal does not answer'), down(2)])).toEqual([
      'Kafka is down, attempt 2',
    ]);
  });

  it('says nothing of an answer that comes at once, and passes on why there is none', async () => {
    const lines: string[] = [];
    const options = { everyMs: 1_000_000, say: (line: string) => void lines.push(line) };
    const why = (): Promise<Reason> => Promise.resolve(down(1));
    await expect(telling(Promise.resolve(7), why, options)).resolves.toBe(7);
    await expect(telling(Promise.reject(new Error('refused')), why, options)).rejects.toThrow('refused');
    expect(lines).toEqual([]);
  });
});
