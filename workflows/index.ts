export { bootstrap } from './bootstrap.js';
export { ingest } from './ingest.js';
export { snapshot } from './snapshot.js';
export { table } from './table.js';
