import type { NativeConnection } from '@temporalio/worker';
import type { Connection } from '@temporalio/client';
import type { SearchAttributeType } from '@temporalio/common';
import { errorMessage, TributaryError } from '../common/errors.js';
import { searchAttributes } from '../workflows/search-attributes.js';

/** Numbers of temporal.api.enums.v1.IndexedValueType. */
const INDEXED_VALUE_TYPE: Record<SearchAttributeType, number> = {
  TEXT: 1,
  KEYWORD: 2,
  INT: 3,
  DOUBLE: 4,
  BOOL: 5,
  DATETIME: 6,
  KEYWORD_LIST: 7,
};

/** Registers the search attributes that the namespace lacks, so that nobody has to do it by hand. */
export async function ensureSearchAttributes(
  connection: NativeConnection | Connection,
  namespace: string,
): Promise<string[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing: Record<string, number> = {};
  for (const { name, type } of Object.values(searchAttributes)) {
    if (customAttributes?.[name] === undefined) missing[name] = INDEXED_VALUE_TYPE[type];
  }
  const names = Object.keys(missing);
  if (names.length === 0) return [];
  try {
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: missing });
  } catch (error) {
    // Two workers that start together both see it missing.
    if (/already exists/i.test(errorMessage(error))) return [];
    throw new TributaryError({
      code: 'SearchAttributesMissing',
      message:
        `Temporal's namespace ${namespace} lacks the search attributes ${names.join(', ')} and does not let this worker add them: ` +
        `${errorMessage(error)}. Ask its operator to add them (temporal operator search-attribute create).`,
      cause: error,
    });
  }
  return names;
}
