import { DateTime } from 'luxon';
import { TributaryError } from '../common/errors.js';

/**
 * An instant that a person typed: `2026-03-01`, `2026-03-01 08:00`, or ISO 8601. Without an offset it is a wall clock of the
 * table's zone. Answers ms since the epoch.
 * @throws TributaryError InstantInvalid
 */
export function parseInstant(text: string, zone: string): number {
  const parsed = DateTime.fromISO(text.trim().replace(' ', 'T'), { zone });
  if (parsed.isValid) return parsed.toMillis();
  throw new TributaryError({
    code: 'InstantInvalid',
    message: `"${text}" is no instant. Write it as 2026-03-01, "2026-03-01 08:00" (in ${zone}), or with an offset: 2026-03-01T08:00:00Z.`,
    attributes: { text },
  });
}
