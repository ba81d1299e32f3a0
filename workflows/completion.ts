import { condition, isCancellation } from '@temporalio/workflow';
import { faultOf } from './faults.js';
import { completeThrough, setMemberFault } from './ingest-state.js';
import { activeMembers } from './membership.js';
import { run } from './run-activity.js';
import type { CompactResult, CompletionRequest, DuePartition, IngestState } from './ingest-types.js';

const DUE_AT_A_TIME = 40;
const COMPACTIONS_AT_A_TIME = 2;

const minuteOf = (ms: number): number => Math.floor(ms / 60_000);
const keyOf = (due: DuePartition): string => `${due.hiveTable}/${Object.values(due.partition).join('/')}`;

/**
 * Partitions on their way to completion. Rewriting small files runs beside the next batches; the pointer moves between
 * two batches, so that no commit adds a file to a directory that is being replaced.
 */
export class Completion {
  private readonly running = new Map<string, DuePartition>();
  private readonly finished: { due: DuePartition; compaction: CompactResult | null }[] = [];
  private readonly checkedThrough = new Map<string, number>();

  constructor(
    private readonly kafka: string,
    private readonly topic: string,
    /** Called when a rewrite has ended, so that its partition need not wait until data come. */
    private readonly onReady: () => void,
  ) {}

  /** Whether partitions wait for `finish`. */
  get ready(): boolean {
    return this.finished.length > 0;
  }

  /** Rows have landed: partitions that were not due may be so now, whatever the clock says. */
  rowsLanded(): void {
    this.checkedThrough.clear();
  }

  /** Starts what has become due and finishes what has been rewritten. */
  async advance(state: IngestState): Promise<{ state: IngestState; any: boolean }> {
    const tables = this.tablesToCheck(state);
    if (tables.length > 0) {
      const due = await run('planCompletion', `partitions due in ${tables.length} tables`, {
        kafka: this.kafka,
        topic: this.topic,
        tables,
        limit: DUE_AT_A_TIME,
      });
      for (const partition of due) this.begin(partition);
      // All that was due fits one answer: nothing more to ask for until the time or the data move on.
      if (due.length < DUE_AT_A_TIME) {
        for (const { table, completeThroughMs } of tables) this.checkedThrough.set(table, completeThroughMs);
      }
    }
    return this.finish(state);
  }

  /** Waits for the rewrites that still run; their partitions are found again by the next run. */
  async settle(): Promise<void> {
    await condition(() => this.running.size === 0);
  }

  private tablesToCheck(state: IngestState): CompletionRequest['tables'] {
    return activeMembers(state).flatMap((member) => {
      const through = completeThrough(state, member);
      if (through === undefined || member.fault) return [];
      const checked = this.checkedThrough.get(member.table);
      if (checked !== undefined && minuteOf(checked) === minuteOf(through)) return [];
      return [
        {
          table: member.table,
          pin: member.pin,
          completeThroughMs: through,
          compaction: member.settings.compaction,
        },
      ];
    });
  }

  private begin(due: DuePartition): void {
    const key = keyOf(due);
    if (this.running.has(key) || this.finished.some((entry) => keyOf(entry.due) === key)) return;
    if (due.compact.length === 0) {
      this.finished.push({ due, compaction: null });
      return;
    }
    this.running.set(key, due);
    void this.compact(key, due);
  }

  private async compact(key: string, due: DuePartition): Promise<void> {
    let compaction: CompactResult | null = null;
    try {
      await condition(() => [...this.running.keys()].indexOf(key) < COMPACTIONS_AT_A_TIME);
      compaction = await run('compactPartition', `rewrite ${due.compact.flat().length} files of ${key}`, {
        due,
      });
    } catch {
      // The partition is right as it is, only in more files; it completes without the rewrite.
    } finally {
      this.running.delete(key);
      this.finished.push({ due, compaction });
      this.onReady();
    }
  }

  /** Moves pointers and marks partitions complete; between two batches only. */
  async finish(state: IngestState): Promise<{ state: IngestState; any: boolean }> {
    let next = state;
    const any = this.finished.length > 0;
    while (this.finished.length > 0) {
      const { due, compaction } = this.finished.shift()!;
      try {
        await run('completePartition', `complete ${keyOf(due)}`, {
          kafka: this.kafka,
          topic: this.topic,
          due,
          compaction,
          positions: next.positions,
        });
      } catch (error) {
        if (isCancellation(error)) throw error;
        // The other tables of the topic go on; this partition is found again at the next look.
        next = setMemberFault(next, due.table, faultOf(error, null, Date.now()));
        this.checkedThrough.delete(due.table);
        continue;
      }
      const member = next.members[due.table];
      const name = Object.entries(due.partition)
        .map(([column, value]) => `${column}=${value}`)
        .join('/');
      if (member && (member.lastCompletePartition ?? '') < name) {
        next = {
          ...next,
          members: { ...next.members, [due.table]: { ...member, lastCompletePartition: name } },
        };
      }
    }
    for (const member of activeMembers(next)) {
      const through = completeThrough(next, member);
      if (through === undefined || member.completeThroughMs === through) continue;
      next = {
        ...next,
        members: { ...next.members, [member.table]: { ...member, completeThroughMs: through } },
      };
    }
    return { state: next, any };
  }
}
