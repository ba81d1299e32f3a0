import pc from 'picocolors';

/** Prints one JSON document on stdout; with `--json` it is all that stdout gets. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** For progress and remarks: stderr, so that a pipe gets the answer alone. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

// eslint-disable-next-line no-control-regex
const ANSI = /\u001b\[[0-9;]*m/g;

/** Columns that a terminal gives a text: CJK and emoji take two. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text.replace(ANSI, '')) {
    const code = character.codePointAt(0)!;
    const wide =
      (code >= 0x1100 && code <= 0x115f) ||
      (code >= 0x2e80 && code <= 0xa4cf) ||
      (code >= 0xac00 && code <= 0xd7a3) ||
      (code >= 0xf900 && code <= 0xfaff) ||
      (code >= 0xfe30 && code <= 0xfe6f) ||
      (code >= 0xff00 && code <= 0xff60) ||
      (code >= 0xffe0 && code <= 0xffe6) ||
      code >= 0x1f300;
    width += wide ? 2 : 1;
  }
  return width;
}

export interface ColumnLayout {
  title: string;
  right?: boolean;
}

/** A table for terminals: aligned, no borders, header dimmed. */
export function renderTable(columns: ColumnLayout[], rows: string[][]): string {
  const widths = columns.map((column, i) =>
    Math.max(displayWidth(column.title), ...rows.map((row) => displayWidth(row[i] ?? ''))),
  );
  const line = (cells: string[]): string =>
    cells
      .map((cell, i) => {
        const room = ' '.repeat(Math.max(0, widths[i]! - displayWidth(cell)));
        if (columns[i]?.right) return room + cell;
        return i === cells.length - 1 ? cell : cell + room;
      })
      .join('  ')
      .trimEnd();
  const header = pc.dim(line(columns.map((column) => column.title.toUpperCase())));
  return [header, ...rows.map(line)].join('\n');
}

/** `1 record`, `2,000 records`. */
export const counted = (n: number, what: string, many = `${what}s`): string =>
  `${count(n)} ${n === 1 ? what : many}`;

export const count = (n: number): string => n.toLocaleString('en-US');

/** 95 -> `1m35s`: at most two units, for people. */
export function seconds(total: number): string {
  const units: [number, string][] = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'm'],
    [1, 's'],
  ];
  const at = units.findIndex(([size]) => total >= size);
  if (at === -1) return '0s';
  const [size, name] = units[at]!;
  const next = units[at + 1];
  const rest = next ? Math.floor((total % size) / next[0]) : 0;
  return `${Math.floor(total / size)}${name}${rest > 0 ? `${rest}${next![1]}` : ''}`;
}
