import { yamlPlace, yamlValue } from '../config/yaml-names.js';

/** One place in which two JSON values differ; `undefined` where one of them has nothing. */
export interface Difference {
  path: string;
  before: unknown;
  after: unknown;
}

/** All differences between two JSON values, in the order of the paths. Arrays of named objects are matched by name. */
export function diffValues(before: unknown, after: unknown, path = ''): Difference[] {
  if (isNamedList(before) && isNamedList(after)) return diffValues(byName(before), byName(after), path);
  if (isObject(before) && isObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return names.flatMap((name) =>
      diffValues(before[name], after[name], path === '' ? name : `${path}.${name}`),
    );
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, before, after }];
}

type JsonObject = Record<string, unknown>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNamedList(value: unknown): value is (JsonObject & { name: string })[] {
  return Array.isArray(value) && value.every((item) => isObject(item) && typeof item['name'] === 'string');
}

function byName(list: { name: string }[]): JsonObject {
  return Object.fromEntries(list.map(({ name, ...rest }, position) => [name, { ...rest, position }]));
}

/** What differs between what a table runs by and what a config says, in the words of the config file. */
export const configDifferences = (running: unknown, wanted: unknown): Difference[] =>
  yamlDifferences(diffValues(running, wanted));

const POSITION = /^spec\.columns\.([^.]+)\.position$/;

/**
 * The same in the words of the config file, for people. That columns moved because others came or went is left out; the order of those
 * that stay is one difference.
 */
export function yamlDifferences(differences: readonly Difference[]): Difference[] {
  const others = differences.filter(({ path }) => !POSITION.test(path));
  const moved = differences.filter(({ path }) => POSITION.test(path));
  const named = others.map(({ path, before, after }) => ({
    path: yamlPlace(path),
    before: yamlValue(path, withoutPosition(before)),
    after: yamlValue(path, withoutPosition(after)),
  }));
  const order = (side: 'before' | 'after'): string =>
    [...moved]
      .sort((a, b) => Number(a[side]) - Number(b[side]))
      .map(({ path }) => POSITION.exec(path)![1]!)
      .join(', ');
  const [before, after] = [order('before'), order('after')];
  return before === after ? named : [...named, { path: 'columns (order)', before, after }];
}

function withoutPosition(value: unknown): unknown {
  if (!isObject(value) || typeof value['position'] !== 'number') return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== 'position'));
}
