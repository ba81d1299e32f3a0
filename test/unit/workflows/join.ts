import type { JoinRequest } from '../../../workflows/ingest-types.js';

/** What a table sends that wants to read a topic. */
export const joinOf = (table: string, over: Partial<JoinRequest> = {}): JoinRequest => ({
  table,
  pin: `pin-${table}`,
  settings: {
    flushMs: 1000,
    maxRecords: 1000,
    splitBytes: 1 << 20,
    parallelism: 2,
    compaction: { targetBytes: 1, minFiles: 2 },
  },
  latenessMs: 60_000,
  quarantineLimit: {},
  ...over,
});
