import pc from 'picocolors';
import type { TableOverview } from './overview.js';
import { stuckText } from './stuck.js';

/** Reasons of an unknown lag that the page tells beside the phase, or that pass within a minute. */
const SAID_ELSEWHERE = new Set(['Stale', 'NotKnownYet']);

/** What keeps tables from going on, each thing once however many tables it holds up. */
export function problems(tables: TableOverview[]): string[] {
  const told = new Map<string, string[]>();
  for (const { table, fault, stuck, lagUnknown } of tables) {
    const why = [fault, ...stuck].map((one) => one?.code);
    const texts = [
      ...(fault ? [`${pc.red(fault.code)}: ${fault.message}`] : []),
      ...stuck.map((s) => `${pc.yellow(s.code)} (${stuckText(s, Date.now())}): ${s.message}`),
      ...(lagUnknown && !why.includes(lagUnknown.code) && !SAID_ELSEWHERE.has(lagUnknown.code)
        ? [`lag unknown: ${lagUnknown.code}: ${lagUnknown.message}`]
        : []),
    ];
    for (const text of texts) told.set(text, [...(told.get(text) ?? []), table]);
  }
  return [...told].map(
    ([text, names]) => `\n${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}\n  ${text}`,
  );
}
