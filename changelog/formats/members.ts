import { lit } from '../../warehouse/duckdb.js';

/** Members of an ENUM or SET type text in order; undefined for other types. */
export function membersOf(
  sourceType: string | undefined,
): { kind: 'enum' | 'set'; members: string[] } | undefined {
  const match = /^\s*(enum|set)\s*\((.*)\)/is.exec(sourceType ?? '');
  if (!match) return undefined;
  const members: string[] = [];
  const pattern = /'((?:[^'\\]|''|\\.)*)'/gs;
  for (const [, quoted] of match[2]!.matchAll(pattern)) {
    members.push(quoted!.replaceAll("''", "'").replace(/\\(.)/gs, '$1'));
  }
  return { kind: match[1]!.toLowerCase() as 'enum' | 'set', members };
}

/**
 * Names for the number of an ENUM (its index, 0 is the empty text of an invalid value) or a SET (its bits). NULL where the
 * number has no name: the type that is known is not the one that was written with. Other texts are names already.
 */
export function memberNames(text: string, sourceType: string | undefined): string {
  const known = membersOf(sourceType);
  if (!known) return text;
  const list = `[${known.members.map(lit).join(', ')}]::VARCHAR[]`;
  const number = `try_cast(${text} AS UBIGINT)`;
  if (known.kind === 'enum')
    return (
      `CASE WHEN ${number} IS NULL THEN ${text} WHEN ${number} = 0 THEN '' ` +
      `WHEN ${number} <= ${known.members.length} THEN list_extract(${list}, ${number}::INTEGER) END`
    );
  const all = (1n << BigInt(known.members.length)) - 1n;
  const picked = known.members.map(
    (name, bit) => `CASE WHEN ${number} & ${1n << BigInt(bit)}::UBIGINT <> 0 THEN ${lit(name)} END`,
  );
  return `CASE WHEN ${number} IS NULL THEN ${text} WHEN ${number} <= ${all}::UBIGINT THEN concat_ws(',', ${picked.join(', ')}) END`;
}
