import { runDemo } from './run.js';

const events = process.argv.find((argument) => argument.startsWith('--events='))?.slice('--events='.length);
const right = await runDemo({ lite: process.argv.includes('--lite'), events: Number(events ?? 300_000) });
process.exitCode = right ? 0 : 1;
