#!/usr/bin/env node
import { existsSync } from 'node:fs';

const compiled = new URL('../dist/client/cli.js', import.meta.url);
if (!existsSync(compiled)) {
  console.error('tributary is not built yet: run npm ci && npm run build');
  process.exit(1);
}
const { main } = await import(compiled.href);
await main(process.argv);
