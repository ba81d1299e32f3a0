/** The small JSON path language of column and time paths: `$.a.b`, `$."@timestamp"`, `$['a b']`, `$.list[0]`. */

export type JsonPath = (string | number)[];

export class JsonPathError extends Error {
  constructor(
    message: string,
    readonly suggestion?: string,
  ) {
    super(message);
    this.name = 'JsonPathError';
  }
}

const STEP =
  /^(?:\.([\p{L}_][\p{L}\p{N}_]*)|\.?\["((?:[^"\\]|\\.)+)"\]|\.?\['((?:[^'\\]|\\.)+)'\]|\."((?:[^"\\]|\\.)+)"|\[(\d+)\])/u;
const SIMPLE = /^[\p{L}_][\p{L}\p{N}_]*$/u;

/** The steps of a path: names and array positions; `[]` for `$` itself. Throws JsonPathError. */
export function parseJsonPath(text: string): JsonPath {
  if (!text.startsWith('$')) {
    const suggestion = text.startsWith('.') ? `$${text}` : `$.${text}`;
    throw new JsonPathError(`the JSON path "${text}" must start with "$"`, valid(suggestion));
  }
  const path: JsonPath = [];
  let rest = text.slice(1);
  while (rest !== '') {
    const step = STEP.exec(rest);
    if (!step) throw explain(text, rest);
    const quoted = step[2] ?? step[3] ?? step[4];
    if (step[5] !== undefined) path.push(Number(step[5]));
    else path.push(step[1] ?? (quoted ?? '').replace(/\\(.)/g, '$1'));
    rest = rest.slice(step[0].length);
  }
  return path;
}

/** The one spelling of a path; names that are not plain words stand in double quotes. */
export function formatJsonPath(path: JsonPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return SIMPLE.test(step) ? `${text}.${step}` : `${text}."${step.replace(/["\\]/g, '\\$&')}"`;
  }, '$');
}

/** `parseJsonPath` and `formatJsonPath` in one. */
export function normalizeJsonPath(text: string): string {
  return formatJsonPath(parseJsonPath(text));
}

function explain(text: string, rest: string): JsonPathError {
  if (/^(\[\*\]|\.\*|\.\.)/.test(rest)) {
    return new JsonPathError(`the JSON path "${text}" must name one value: "*" and ".." are not supported`);
  }
  const name = /^\.([^."'[\]]+)/.exec(rest)?.[1];
  if (name !== undefined) {
    const fixed = text.slice(0, text.length - rest.length) + `."${name}"` + rest.slice(name.length + 1);
    return new JsonPathError(`the name "${name}" in the JSON path "${text}" needs quotes`, valid(fixed));
  }
  return new JsonPathError(
    `the JSON path "${text}" cannot be read from "${rest}" on; write it like $.a."b c"[0]`,
  );
}

function valid(path: string): string | undefined {
  try {
    parseJsonPath(path);
    return path;
  } catch {
    return undefined;
  }
}
