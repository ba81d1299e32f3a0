import type { IngestSettings } from './ingest-types.js';

/** Bytes of a record as long as nothing better is known; sizes the splits. */
const RECORD_BYTES = 512;

/** How a table's log is read a second time: in splits as large as those of its ingestion. Pure. */
export function rereadSettings({ splitBytes, maxRecords, parallelism, compaction }: IngestSettings) {
  const bySize = Math.floor(splitBytes / RECORD_BYTES);
  const byParallelism = Math.ceil(maxRecords / Math.max(1, parallelism));
  return {
    parallelism: Math.max(1, parallelism),
    splitRecords: Math.max(1, Math.min(bySize, byParallelism)),
    targetBytes: compaction.targetBytes,
  };
}
