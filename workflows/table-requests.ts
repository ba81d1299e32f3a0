export type TaskKind = 'begin' | 'join' | 'pause' | 'resume' | 'reload' | 'replay' | 'rebootstrap' | 'stop';

/** One thing to do for a table. */
export interface TableTask {
  kind: TaskKind;
  run: () => Promise<void>;
}

/** Requests of someone who wants the table to live on: they take back a stop that came before them. */
export const LIVING: ReadonlySet<TaskKind> = new Set(['pause', 'resume', 'reload']);

/** They look after the same thing as a reload, by older rules. */
const OLDER_RULES: ReadonlySet<TaskKind> = new Set(['begin', 'reload']);

/**
 * Puts a request among those that wait. The table must end in the state that the last word of each kind asks for, and nothing
 * that waits for an outage to end may hold up a stop or a mended config:
 * - a stop gives up everything before it;
 * - pause, resume and reload take back a stop that has not begun;
 * - a reload takes the place of earlier ones. It goes before a resume or a replay that is under way, which is done again after it.
 *
 * @param current what is being done now; `cancel` says that it must end
 */
export function arrange(
  waiting: readonly TableTask[],
  current: TableTask | undefined,
  next: TableTask,
): { waiting: TableTask[]; cancel: boolean } {
  if (next.kind === 'stop') {
    if (current?.kind === 'stop') return { waiting: [], cancel: false };
    return { waiting: [next], cancel: current !== undefined };
  }
  if (!LIVING.has(next.kind)) return { waiting: [...waiting, next], cancel: false };
  const kept = waiting.filter(({ kind }) => kind !== 'stop');
  if (next.kind !== 'reload') return { waiting: [...kept, next], cancel: false };
  const others = kept.filter(({ kind }) => !OLDER_RULES.has(kind));
  if (current === undefined || current.kind === 'pause' || current.kind === 'stop') {
    return { waiting: [...others, next], cancel: false };
  }
  if (OLDER_RULES.has(current.kind)) return { waiting: [next, ...others], cancel: true };
  return { waiting: [next, current, ...others], cancel: true };
}

/**
 * What waits after a request failed for good and others came: a newer wish takes its place, so that nothing is tried in vain
 * before it. What is left undone of a reload the next join makes up for.
 */
export function afterFault(failed: TableTask, later: readonly TableTask[]): TableTask[] {
  if (later.some(({ kind }) => kind === 'pause' || kind === 'resume' || kind === 'stop')) return [...later];
  if (later.some(({ kind }) => kind === 'reload') && OLDER_RULES.has(failed.kind)) return [...later];
  return [...later, failed];
}
