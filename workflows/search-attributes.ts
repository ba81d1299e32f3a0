import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** Custom search attributes, registered by `tributary worker` when the server lacks them. */
export const searchAttributes = {
  table: defineSearchAttributeKey('TributaryTable', SearchAttributeType.KEYWORD),
  mode: defineSearchAttributeKey('TributaryMode', SearchAttributeType.KEYWORD),
  phase: defineSearchAttributeKey('TributaryPhase', SearchAttributeType.KEYWORD),
  source: defineSearchAttributeKey('TributarySource', SearchAttributeType.KEYWORD),
  paused: defineSearchAttributeKey('TributaryPaused', SearchAttributeType.BOOL),
  lastComplete: defineSearchAttributeKey('TributaryLastComplete', SearchAttributeType.KEYWORD),
  lastSnapshot: defineSearchAttributeKey('TributaryLastSnapshot', SearchAttributeType.KEYWORD),
  lagSeconds: defineSearchAttributeKey('TributaryLagSeconds', SearchAttributeType.INT),
  lagRecords: defineSearchAttributeKey('TributaryLagRecords', SearchAttributeType.INT),
} as const;
