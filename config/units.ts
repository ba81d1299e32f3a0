/** Durations and sizes as people write them: `10s`, `5m`, `2h`, `1d`; `512KiB`, `128MiB`, `1GB`. */

const SECONDS: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
const BYTES: Record<string, number> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

export const DURATION_PATTERN = /^\d+(\.\d+)?(ms|s|m|h|d|w)$/;
export const SIZE_PATTERN = /^\d+(\.\d+)?(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$/;

/** Milliseconds of a duration that matches DURATION_PATTERN. */
export function parseDuration(text: string): number {
  return Math.round(quantity(text, SECONDS) * 1000);
}

/** Bytes of a size that matches SIZE_PATTERN. */
export function parseSize(text: string): number {
  return Math.round(quantity(text, BYTES));
}

function quantity(text: string, units: Record<string, number>): number {
  const number = Number.parseFloat(text);
  const factor = units[text.replace(/^[\d.]+/, '')];
  if (factor === undefined || !Number.isFinite(number)) throw new RangeError(`not a quantity: ${text}`);
  return number * factor;
}

/** A duration as people write it, in the largest unit without a fraction: 600000 is `10m`. */
export function formatDuration(ms: number): string {
  const unit = ['w', 'd', 'h', 'm', 's'].find((name) => ms > 0 && ms % (SECONDS[name]! * 1000) === 0);
  if (unit === undefined) return ms === 0 ? '0s' : `${ms}ms`;
  return `${ms / (SECONDS[unit]! * 1000)}${unit}`;
}

/** A size as people write it, in the largest binary unit without a fraction. */
export function formatSize(bytes: number): string {
  const unit = ['TiB', 'GiB', 'MiB', 'KiB'].find((name) => bytes > 0 && bytes % BYTES[name]! === 0);
  return unit === undefined ? `${bytes}B` : `${bytes / BYTES[unit]!}${unit}`;
}
