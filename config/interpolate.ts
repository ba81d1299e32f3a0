/** `${NAME}`, `${NAME:-default}` and `${file:/path}` inside a text; `$${` stands for a literal `${`. */

export interface Reference {
  /** As written, with the braces. */
  text: string;
  /** Position in the template. */
  offset: number;
}

export interface Interpolated {
  value: string;
  references: Reference[];
  /** The text as it is in the file: references replaced by REFERENCE, defaults written out. */
  literal: string;
  faults: (Reference & { message: string; missing: boolean })[];
}

/** Stands for a reference in `Interpolated.literal`. */
export const REFERENCE = '\uE000';

export interface Sources {
  env: Record<string, string | undefined>;
  /** Content of a secret file; throws with a message for people. */
  readFile: (path: string) => string;
}

const ANY = /\$(\$?)\{([^}]*)\}/g;
const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;

/** Fills the references of a template. Faults are collected, not thrown; their references read as nothing. */
export function interpolate(template: string, sources: Sources): Interpolated {
  const result: Interpolated = { value: '', references: [], literal: '', faults: [] };
  let end = 0;
  const plain = (text: string): void => {
    result.value += text;
    result.literal += text;
  };
  for (const match of template.matchAll(ANY)) {
    plain(template.slice(end, match.index));
    end = match.index + match[0].length;
    if (match[1] === '$') {
      plain(match[0].slice(1));
      continue;
    }
    const reference = { text: match[0], offset: match.index };
    result.references.push(reference);
    const filled = fill(match[2] ?? '', sources);
    if ('message' in filled) result.faults.push({ ...reference, ...filled });
    else result.value += filled.value;
    result.literal += REFERENCE + ('fallback' in filled ? (filled.fallback ?? '') : '');
  }
  plain(template.slice(end));
  return result;
}

type Filled = { value: string; fallback?: string } | { message: string; missing: boolean };

function fill(body: string, sources: Sources): Filled {
  if (body.startsWith('file:')) {
    try {
      return { value: sources.readFile(body.slice('file:'.length).trim()) };
    } catch (error) {
      return { message: (error as Error).message, missing: true };
    }
  }
  const variable = VARIABLE.exec(body);
  if (!variable) {
    return {
      message: `"\${${body}}" cannot be read; write \${NAME}, \${NAME:-default} or \${file:/path}, and $\${ for a literal \${`,
      missing: false,
    };
  }
  const [, name = '', fallback] = variable;
  const value = sources.env[name];
  if (fallback !== undefined) {
    return { value: value === undefined || value === '' ? fallback : value, fallback };
  }
  if (value !== undefined) return { value };
  return {
    message: `the environment variable ${name} is not set; set it, or write a default: \${${name}:-...}`,
    missing: true,
  };
}
