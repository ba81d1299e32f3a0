export { ingest } from './ingest.js';
export { table } from './table.js';
