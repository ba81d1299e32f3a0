import { describe, expect, it } from 'vitest';
import { logResult, noteOf } from '../../../workflows/verify-state.js';

type Input = Parameters<typeof logResult>[0];
type Progress = Parameters<typeof logResult>[1];

const none = { missing: 0, twice: 0, fewer: 0, stray: 0 };
const result = (offsets: number, leftOut: string[]): ReturnType<typeof logResult> =>
  logResult(
    { table: 'clicks', request: { id: 'v', what: 'log' } } as unknown as Input,
    {
      plan: { compared: '', leftOut, offsets },
      report: { records: 0, landed: 0, quarantined: 0, without: 0, faults: none, findings: [] },
    } as unknown as Progress,
  );

describe('a comparison with the log', () => {
  // "equal" after Kafka has deleted all that could be compared sends people home.
  it('is not equal where nothing could be compared', () => {
    expect(result(0, ['partition 0 below 9: Kafka has deleted it'])).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining('Nothing could be compared') as string,
    });
    expect(result(0, [])).toMatchObject({ outcome: 'equal', message: null });
    expect(result(5, ['partition 0 below 4: Kafka has deleted it'])).toMatchObject({ outcome: 'equal' });
  });

  it('leaves the table a note of what was found, short enough for its page', () => {
    const found = { ...result(5, []), outcome: 'different' as const };
    found.log = { ...found.log!, records: 5, faults: { ...none, missing: 2 } };
    expect(noteOf(found, 7)).toEqual({
      ...{ id: 'v', what: 'log', outcome: 'different', endedMs: 7, found: '5 records of the log, 2 missing' },
    });
    expect(noteOf(result(0, ['nothing there']), 7).found).toContain('Nothing could be compared');
  });
});
