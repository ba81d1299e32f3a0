import { Timestamp, type Document } from 'mongodb';
import { sourceError } from './errors.js';

/** What the parts of a server's `hello` answer say that matter for a read. */
export interface NodeFacts {
  kind: 'standalone' | 'primary' | 'secondary' | 'hidden' | 'router' | 'other';
  /** The oplog position that the node has applied, `seconds << 32 | increment`; null: it has no oplog. */
  applied: bigint | null;
  host: string;
}

/** Reads a `hello` answer. */
export function nodeFacts(hello: Document): NodeFacts {
  const host = typeof hello['me'] === 'string' ? hello['me'] : 'the node';
  const lastWrite = hello['lastWrite'] as { opTime?: { ts?: unknown } } | undefined;
  const applied = timestampOf(lastWrite?.opTime?.ts) ?? timestampOf(hello['operationTime']);
  if (hello['msg'] === 'isdbgrid') return { kind: 'router', applied, host };
  if (hello['setName'] === undefined) return { kind: 'standalone', applied, host };
  if (hello['isWritablePrimary'] === true) return { kind: 'primary', applied, host };
  if (hello['hidden'] === true) return { kind: 'hidden', applied, host };
  return { kind: hello['secondary'] === true ? 'secondary' : 'other', applied, host };
}

function timestampOf(value: unknown): bigint | null {
  return value instanceof Timestamp ? (BigInt(value.t) << 32n) | BigInt(value.i) : null;
}

export type MongoReadPreference =
  'secondary' | 'secondaryPreferred' | 'nearest' | 'primary' | 'primaryPreferred';

export interface NodePolicy {
  readPreference: MongoReadPreference;
  /** Connect to the one node of the URL only. */
  direct: boolean;
}

/**
 * Whether a node may be scanned: not the primary, unless the config names it, because a scan of everything there is felt by
 * every user of the database.
 * @returns a warning for the operator, or null
 * @throws TributaryError SourceUnsuitable
 */
export function judgeNode(facts: NodeFacts, policy: NodePolicy): string | null {
  const { kind, host } = facts;
  const primaryAllowed = !['secondary', 'secondaryPreferred'].includes(policy.readPreference);
  if (kind === 'standalone') {
    return `${host} is no member of a replica set: the scan reads the only copy there is, and there is no oplog position to join the log at.`;
  }
  if (kind === 'router') return null;
  if (kind === 'other') {
    throw sourceError(
      'SourceUnsuitable',
      `${host} is neither primary nor secondary now; it is tried again later.`,
      {
        host,
      },
    );
  }
  if (kind !== 'primary') return null;
  if (primaryAllowed) return `${host} is the primary: the scan is felt by every user of the database.`;
  throw sourceError(
    'SourceUnsuitable',
    `${host} is the primary. A bootstrap reads everything, so it reads a secondary or hidden member: name one in the URL with ` +
      `\`direct: true\`, or set \`read_preference: primary\` if the primary it must be.`,
    { host },
  );
}

export interface OrderKey {
  /** `cdc_ts` of the scanned documents, decimal: everything up to it is in the scan, everything after it comes by the log. */
  cdcTs: string;
  /** The oplog position that every read must wait for; null: the server has no oplog. */
  applied: bigint | null;
  ms: number;
}

/** Clocks of two machines may be this far apart. */
export const CLOCK_SKEW_MS = 5_000;

/** The order key to take before a scan. Without an oplog it is the wall clock, put back by what clocks may differ. */
export function orderKeyOf(facts: NodeFacts, nowMs: number): OrderKey {
  if (facts.applied !== null) {
    return {
      cdcTs: facts.applied.toString(),
      applied: facts.applied,
      ms: Number(facts.applied >> 32n) * 1000,
    };
  }
  const ms = nowMs - CLOCK_SKEW_MS;
  return { cdcTs: (BigInt(Math.floor(ms / 1000)) << 32n).toString(), applied: null, ms };
}
