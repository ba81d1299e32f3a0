export { bootstrap } from './bootstrap.js';
export { backfill } from './backfill.js';
export { ingest } from './ingest.js';
export { snapshot } from './snapshot.js';
export { table } from './table.js';
export { verify } from './verify.js';
