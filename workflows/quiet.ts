import { condition } from '@temporalio/workflow';

/** Hundreds of tables come within seconds of each other, also where workers are busy; a person waits so long for the first row. */
const STILL_MS = 2_000;
const MOST_MS = 60_000;

/** Waits until `count` has stood still for two seconds, or for a minute. */
export async function quiet(count: () => number): Promise<void> {
  const deadline = Date.now() + MOST_MS;
  let seen: number;
  do {
    seen = count();
    await condition(() => count() !== seen, STILL_MS, { summary: 'more tables may come' });
  } while (count() !== seen && Date.now() < deadline);
}
