/**
 * Hive type of a source column, from the type text as MySQL, TiDB, MariaDB or the logs write it (`bigint(20) unsigned`,
 * `decimal(10,2)`, `enum('a','b')`). Every choice and its reason: docs/types.md.
 */
export function sourceTypeToHive(sourceType: string): string {
  const text = sourceType.trim().toLowerCase();
  const base = /^[a-z]+/.exec(text)?.[0] ?? text;
  const unsigned = / unsigned| zerofill/.test(text);
  const [precision, scale] = sizes(text);
  switch (base) {
    case 'bool':
    case 'boolean':
      return 'tinyint';
    case 'tinyint':
      return unsigned ? 'smallint' : 'tinyint';
    case 'smallint':
      return unsigned ? 'int' : 'smallint';
    case 'mediumint':
      return 'int';
    case 'int':
    case 'integer':
      return unsigned ? 'bigint' : 'int';
    case 'bigint':
      return unsigned ? 'decimal(20,0)' : 'bigint';
    case 'decimal':
    case 'numeric':
      if (precision === undefined) return 'string';
      return precision <= 38 ? `decimal(${precision},${scale ?? 0})` : 'string';
    case 'float':
      return 'float';
    case 'double':
    case 'real':
      return 'double';
    case 'bit':
      if (precision !== undefined && precision > 64) return 'string';
      return precision !== undefined && precision < 64 ? 'bigint' : 'decimal(20,0)';
    case 'year':
      return 'int';
    case 'date':
      return 'date';
    case 'datetime':
    case 'timestamp':
      return 'timestamp';
    case 'binary':
    case 'varbinary':
    case 'tinyblob':
    case 'blob':
    case 'mediumblob':
    case 'longblob':
      return 'binary';
    default:
      // time, char and text, enum, set, json, vector, geometry, and whatever comes.
      return 'string';
  }
}

/**
 * True if a log tells a source type without its size, as TiCDC does (`decimal`, `bit`), and a column of the type `hive` may be just that:
 * the log then says nothing that the column does not know better.
 */
export function isUnsized(sourceType: string, hive: string): boolean {
  const [, base, size] = /^(decimal|numeric|bit)\b\s*(\()?/i.exec(sourceType.trim()) ?? [];
  if (base === undefined || size !== undefined) return false;
  return base.toLowerCase() === 'bit' ? hive === 'bigint' : hive.startsWith('decimal(');
}

function sizes(text: string): [number | undefined, number | undefined] {
  const match = /^\w+\s*\((\d+)(?:\s*,\s*(\d+))?\)/.exec(text);
  if (!match) return [undefined, undefined];
  return [Number(match[1]), match[2] === undefined ? undefined : Number(match[2])];
}
