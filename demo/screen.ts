import pc from 'picocolors';

const begun = Date.now();

const elapsed = (): string => pc.dim(`${((Date.now() - begun) / 1000).toFixed(0).padStart(4)}s`);

/** A step of the demo begins. */
export function step(text: string): void {
  console.log(`\n${elapsed()}  ${pc.bold(text)}`);
}

/** A remark inside a step. */
export function say(text: string): void {
  console.log(`${elapsed()}  ${text}`);
}

/** A line of a check; answers whether it held, for the exit code. */
export function check(holds: boolean, text: string): boolean {
  console.log(`       ${holds ? pc.green('✓') : pc.red('✗')} ${text}`);
  return holds;
}

/** A bar that is redrawn in a terminal, and a line now and then elsewhere. */
export class Progress {
  private last = 0;

  constructor(
    private readonly what: string,
    private readonly total: number,
  ) {}

  show(done: number, extra = ''): void {
    const share = Math.min(1, done / this.total);
    const interval = process.stdout.isTTY ? 200 : 3_000;
    if (share < 1 && Date.now() - this.last < interval) return;
    this.last = Date.now();
    const width = 28;
    const full = Math.round(share * width);
    const bar = pc.cyan('█'.repeat(full)) + pc.dim('░'.repeat(width - full));
    const line = `${elapsed()}  ${this.what} ${bar} ${done.toLocaleString('en-US')} of ${this.total.toLocaleString('en-US')} ${extra}`;
    if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${line}${share === 1 ? '\n' : ''}`);
    else console.log(line);
  }

  /** Leaves the bar where it is, so that something else can be said. */
  break(): void {
    if (process.stdout.isTTY) process.stdout.write('\n');
    this.last = 0;
  }
}
