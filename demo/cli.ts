import { runMirrorDemo } from './mirror/run.js';
import { runDemo } from './run.js';

const valueOf = (name: string): string | undefined =>
  process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3);
const lite = process.argv.includes('--lite');
const right = process.argv.includes('mirror')
  ? await runMirrorDemo({
      lite,
      boundaries: Number(valueOf('boundaries') ?? 3),
      orders: Number(valueOf('orders') ?? 4_000),
    })
  : await runDemo({ lite, events: Number(valueOf('events') ?? 300_000) });
process.exitCode = right ? 0 : 1;
