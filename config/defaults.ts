import { FORMAT_OPTIONS, formatTraits } from './formats.js';
import type { Places } from './places.js';
import type { Path } from './source.js';

type Map = Record<string, unknown>;

const isMap = (value: unknown): value is Map =>
  value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype;

/**
 * Lays `defaults:` under every table, before anything is checked, so that inherited values are checked as the
 * table's own. Options that do not apply to a table (a snapshot of an append table, say) are not inherited.
 */
export function inheritDefaults(document: Map, places: Places): void {
  const { defaults, tables } = document;
  if (!isMap(defaults) || !Array.isArray(tables)) return;
  document.tables = tables.map((table: unknown, index) =>
    isMap(table) ? inherit(table, defaults, places, ['tables', index]) : table,
  );
}

function inherit(table: Map, defaults: Map, places: Places, path: Path): Map {
  const own: Map = { ...table };
  if (own.mode === undefined && defaults.mode !== undefined) {
    own.mode = defaults.mode;
    places.alias(['defaults', 'mode'], [...path, 'mode']);
  }
  const offered = { ...defaults };
  if (own.mode === 'append') {
    delete offered.snapshot;
    delete offered.bootstrap;
  }
  if (own.mode === 'mirror') delete offered.time;
  if (!isMap(own.bootstrap)) delete offered.bootstrap;
  if (isMap(offered.bootstrap)) offered.bootstrap = fittingBootstrap(offered.bootstrap, own.bootstrap as Map);
  if (isMap(offered.time)) offered.time = fittingTime(offered.time, own.time);
  if (isMap(offered.from)) offered.from = fittingFrom(offered.from, own.from);
  return merge(own, offered, places, path, ['defaults']);
}

function merge(own: Map, offered: Map, places: Places, path: Path, from: Path): Map {
  const result = { ...own };
  for (const [name, value] of Object.entries(offered)) {
    const mine = own[name];
    if (isMap(value) && (mine === undefined || isMap(mine))) {
      if (mine === undefined) places.alias([...from, name], [...path, name]);
      result[name] = merge(mine ?? {}, value, places, [...path, name], [...from, name]);
    } else if (mine === undefined) {
      result[name] = value;
      places.alias([...from, name], [...path, name]);
    }
  }
  return result;
}

/** A table's own path or `from` replaces that of the defaults as a whole. */
function fittingTime(offered: Map, own: unknown): Map {
  if (!isMap(own) || (own.path === undefined && own.from === undefined)) return offered;
  const { path: _path, from: _from, ...rest } = offered;
  return rest;
}

function fittingFrom(offered: Map, own: unknown): Map {
  const format = (isMap(own) ? own.format : undefined) ?? offered.format;
  const result = { ...offered };
  const traits = typeof format === 'string' ? formatTraits(format) : undefined;
  if (traits) {
    for (const option of FORMAT_OPTIONS) if (!traits.options.includes(option)) delete result[option];
    if (!traits.change) delete result.match;
  }
  return result;
}

function fittingBootstrap(offered: Map, own: Map): Map {
  if (own.kind !== undefined && offered.kind !== undefined && own.kind !== offered.kind) return {};
  const result = { ...offered };
  if ((own.kind ?? offered.kind) === 'tidb') {
    delete result.read_preference;
    delete result.direct;
  }
  return result;
}
