import { describe, expect, it } from 'vitest';
import { afterFault, arrange, type TaskKind, type TableTask } from '../../../workflows/table-requests.js';

/** `reload1` is a reload: the digit tells which. */
const task = (name: string): TableTask & { name: string } => ({
  name,
  kind: name.replace(/\d$/, '') as TaskKind,
  run: () => Promise.resolve(),
});
const names = (tasks: readonly TableTask[]): string[] =>
  tasks.map((each) => (each as { name?: string }).name!);

function waitingAfter(...requests: string[]): string[] {
  return names(
    requests.reduce<TableTask[]>((waiting, name) => arrange(waiting, undefined, task(name)).waiting, []),
  );
}

function whileDoing(
  current: string,
  waiting: string[],
  next: string,
): { waiting: string[]; cancel: boolean } {
  const result = arrange(waiting.map(task), task(current), task(next));
  return { waiting: names(result.waiting), cancel: result.cancel };
}

describe('requests that contradict each other and come at the same moment', () => {
  it('end in what the last one says', () => {
    expect(waitingAfter('pause', 'resume', 'reload', 'stop')).toEqual(['stop']);
    expect(waitingAfter('stop', 'pause', 'resume')).toEqual(['pause', 'resume']);
    expect(waitingAfter('stop', 'reload', 'pause')).toEqual(['reload', 'pause']);
    expect(waitingAfter('resume', 'pause')).toEqual(['resume', 'pause']);
  });

  it('do not bring an older config back, and lose no request that a reload does not touch', () => {
    expect(waitingAfter('reload1', 'pause', 'reload2')).toEqual(['pause', 'reload2']);
    expect(waitingAfter('begin', 'replay', 'reload')).toEqual(['replay', 'reload']);
  });

  // Hive may be down for hours: who mends the config or stops the table must not wait for it.
  it('let a stop and a mended config past what waits for an outage to end', () => {
    expect(whileDoing('resume', ['pause'], 'stop')).toEqual({ waiting: ['stop'], cancel: true });
    expect(whileDoing('reload1', ['pause'], 'reload2')).toEqual({
      waiting: ['reload2', 'pause'],
      cancel: true,
    });
    expect(whileDoing('resume', ['pause'], 'reload')).toEqual({
      waiting: ['reload', 'resume', 'pause'],
      cancel: true,
    });
  });

  // A reload that came while the table was being paused cancelled the pause, and nobody was told.
  it('do not lose a pause to a reload', () => {
    expect(whileDoing('pause', [], 'reload')).toEqual({ waiting: ['reload'], cancel: false });
  });

  it('do not stop twice, and let a table live on that is just being stopped', () => {
    expect(whileDoing('stop', ['resume'], 'stop')).toEqual({ waiting: [], cancel: false });
    expect(whileDoing('stop', [], 'reload')).toEqual({ waiting: ['reload'], cancel: false });
  });
});

describe('a request that cannot go on', () => {
  it('gives way to a newer wish, and is tried again after what does not concern it', () => {
    expect(names(afterFault(task('reload'), []))).toEqual(['reload']);
    expect(names(afterFault(task('reload1'), [task('reload2')]))).toEqual(['reload2']);
    expect(names(afterFault(task('resume'), [task('reload')]))).toEqual(['reload', 'resume']);
    expect(names(afterFault(task('reload'), [task('pause')]))).toEqual(['pause']);
    expect(names(afterFault(task('begin'), [task('replay')]))).toEqual(['replay', 'begin']);
  });
});
