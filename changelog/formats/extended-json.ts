/**
 * Canonical extended JSON v2 as plain JSON, for paths into MongoDB documents: whole numbers and doubles become numbers, decimals, ids, and
 * what JSON has no number for become strings, dates milliseconds. Inside strings quotes are escaped, so nothing there matches.
 */
export function plainDocument(document: string): string {
  const steps: [string, string][] = [
    ['\\{"\\$date":\\{"\\$numberLong":"(-?[0-9]+)"\\}\\}', '\\1'],
    ['\\{"\\$number(?:Int|Long|Double)":"(-?[0-9][^"]*)"\\}', '\\1'],
    ['\\{"\\$(?:numberDouble|numberDecimal|oid|symbol|uuid)":("[^"]*")\\}', '\\1'],
  ];
  return steps.reduce((sql, [pattern, to]) => `regexp_replace(${sql}, '${pattern}', '${to}', 'g')`, document);
}
