import { TributaryError } from '../common/errors.js';
import { dirname } from 'node:path';
import { type PortName, type Ports, suggestOffset } from './ports.js';
import { type PortHolder, holderOf, isPortFree } from './proc/holders.js';
import type { Unit } from './services/unit.js';

const LOOKS = 30;

/** Fails with one message about all ports of these units that something else holds. */
export async function checkPorts(
  units: readonly Unit[],
  ports: Ports,
  offset: number,
  root: string,
): Promise<void> {
  const names = units.flatMap((unit) => unit.ports.map((name) => ({ unit, name })));
  const taken: { unit: Unit; name: PortName; holder: PortHolder | undefined }[] = [];
  for (const { unit, name } of names) {
    if (!(await isFreeSoon(ports[name]))) taken.push({ unit, name, holder: holderOf(ports[name]) });
  }
  if (taken.length === 0) return;
  const suggestion = await suggestOffset(
    offset,
    names.map(({ name }) => name),
    isPortFree,
  );
  const lines = taken.map(({ unit, name, holder }) => {
    return `    port ${ports[name]} (${unit.name}, ${name}) is held by ${describeHolder(holder, root)}`;
  });
  throw new TributaryError({
    code: 'StackPortTaken',
    message:
      `${taken.length === 1 ? 'A port is' : 'Ports are'} taken:\n${lines.join('\n')}\n` +
      `End that process, or move this stack: \`npm run stack -- up --port-offset ${suggestion ?? '<number>'}\` ` +
      `(or set TRIBUTARY_STACK_PORT_OFFSET).`,
    attributes: { ports: taken.map(({ name }) => ports[name]) },
  });
}

/** A socket outlives its killed process for a moment: a port that nobody holds is looked at again before it counts as taken. */
async function isFreeSoon(port: number): Promise<boolean> {
  for (let look = 0; look < LOOKS; look++) {
    if (await isPortFree(port)) return true;
    if (holderOf(port)) return false;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

/** Names the holder of a port, and the checkout it belongs to if it is a Tributary stack's. */
export function describeHolder(holder: PortHolder | undefined, root: string): string {
  if (!holder) return 'a process that this user cannot see';
  if (holder.owner === undefined) return `pid ${holder.pid} (${holder.command})`;
  const split = holder.owner.lastIndexOf(':');
  const [directory, unit] = [holder.owner.slice(0, split), holder.owner.slice(split + 1)];
  if (directory === root) return `pid ${holder.pid}, ${unit} of this very stack`;
  return `pid ${holder.pid}, ${unit} of another Tributary stack: ${dirname(directory)} (${directory})`;
}
