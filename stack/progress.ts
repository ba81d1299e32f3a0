/** Tells a person (or a test) what a unit is doing. */
export type Report = (unit: string, text: string) => void;

export const silent: Report = () => {};

/** Prints one line a message with the time since the start; the same on a terminal, in a pipe and in CI. */
export function lineReporter(write: (line: string) => void = (line) => console.log(line)): Report {
  const start = Date.now();
  return (unit, text) => write(`[${seconds(Date.now() - start).padStart(7)}] ${unit.padEnd(9)} ${text}`);
}

/** A span of time as people read it: `0.4 s`, `12.3 s`, `3m 20s`, `5h 02m`. */
export function seconds(ms: number): string {
  if (ms < 100_000) return `${(ms / 1000).toFixed(1)} s`;
  const total = Math.round(ms / 1000);
  const [hours, minutes, rest] = [Math.floor(total / 3600), Math.floor((total % 3600) / 60), total % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return hours > 0 ? `${hours}h ${two(minutes)}m` : `${minutes}m ${two(rest)}s`;
}

/** Bytes as people read them. */
export function bytes(count: number): string {
  return count >= 1 << 30 ? `${(count / (1 << 30)).toFixed(1)} GiB` : `${Math.round(count / (1 << 20))} MiB`;
}

/** Says something every few seconds until the returned function is called. */
export function heartbeat(say: (elapsedMs: number) => void, everyMs = 10_000): () => void {
  const start = Date.now();
  const timer = setInterval(() => say(Date.now() - start), everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
