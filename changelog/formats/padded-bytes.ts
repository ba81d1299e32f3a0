/** BINARY(n) with the zeros at its end, which logs and the server itself leave out. */
export function paddedBytes(bytes: string, sourceType: string): string {
  const width = `try_cast(regexp_extract(${sourceType}, '^binary ?\\(([0-9]+)\\)', 1) AS INTEGER)`;
  return (
    `CASE WHEN ${width} > octet_length(${bytes}) ` +
    `THEN ${bytes} || repeat('\\x00'::BLOB, ${width} - octet_length(${bytes})) ELSE ${bytes} END`
  );
}
