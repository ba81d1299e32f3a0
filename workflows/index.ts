export { bootstrap } from './bootstrap.js';
export { ingest } from './ingest.js';
export { table } from './table.js';
