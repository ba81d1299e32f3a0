import { checkConfig, type Checked } from './checks.js';
import { inheritDefaults } from './defaults.js';
import type { ConfigDocument } from './document.js';
import { OWN_TEXT, tell, valueAt, type Told } from './messages.js';
import { formatPath } from './problems.js';
import { ConfigSchema, type Config } from './schema.js';
import { isSecretPath, schemaAt } from './schema-json.js';
import { registerSecret } from './secret.js';
import type { Path, Source } from './source.js';

/**
 * Checks a parsed document by the schema and by the rules between options. Problems go to the source; the config is
 * undefined if the schema refuses it.
 */
export function checkDocument(document: ConfigDocument, source: Source): Config | undefined {
  inheritDefaults(document.value, document.places);
  const { parsed, doubtful } = parseRepairing(document, source);
  const checked: Checked = parsed ?? salvage(document.value);
  checkConfig(checked, (finding) => {
    // What was left out or replaced above would only bring up errors that follow from it.
    if (doubtful.some((path) => isUnder(finding.path, path))) return;
    const at = finding.at === 'key' ? 'key' : 'value';
    source.report(document.places[at](finding.path), {
      ...finding,
      table: tableName(document, finding.path),
    });
  });
  return parsed;
}

/**
 * Parses by the schema. A mistake is reported, then mended in memory (a misspelt name read as the one that was
 * meant, a bad value replaced or left out), so that the later checks can run and report what they find in the same go.
 */
function parseRepairing(
  document: ConfigDocument,
  source: Source,
): { parsed: Config | undefined; doubtful: Path[] } {
  const doubtful = [...document.faulty];
  for (let round = 0; round < 8; round++) {
    const result = ConfigSchema.safeParse(document.value, { error: () => OWN_TEXT });
    if (result.success) return { parsed: result.data, doubtful };
    let mended = false;
    const faults = withoutMisspelt(result.error.issues.flatMap((issue) => tell(issue, document.value)));
    for (const told of faults) {
      if (convert(told, document)) {
        mended = true;
        continue;
      }
      if (!doubtful.some((path) => isUnder(told.path, path))) {
        const span = document.places[told.at](told.path);
        source.report(span, { ...told, table: tableName(document, told.path) });
      }
      mended = mend(told, document, doubtful) || mended;
    }
    if (!mended) break;
  }
  return { parsed: undefined, doubtful };
}

/** An option that is missing only because it is misspelt is one mistake, not two. */
function withoutMisspelt(faults: Told[]): Told[] {
  const meant = new Set(
    faults
      .filter((told) => told.unknownKey === true && told.suggestion !== undefined)
      .map((told) => formatPath([...told.path.slice(0, -1), told.suggestion ?? ''])),
  );
  return faults.filter((told) => told.missing !== true || !meant.has(formatPath(told.path)));
}

/** References give texts; where a number or boolean is wanted, reads them as one. */
function convert(told: Told, { value, places }: ConfigDocument): boolean {
  const text = valueAt(value, told.path);
  if (typeof text !== 'string' || !places.isInterpolated(told.path)) return false;
  const { wants = [] } = told;
  let meant: number | boolean | undefined;
  if (wants.includes('boolean') && /^(true|false)$/.test(text)) meant = text === 'true';
  else if (wants.includes('number') && /^-?\d+(\.\d+)?$/.test(text)) meant = Number(text);
  if (meant === undefined) return false;
  set(value, told.path, meant);
  return true;
}

function mend(told: Told, { value, places }: ConfigDocument, doubtful: Path[]): boolean {
  const { path, suggestion } = told;
  const within = path.slice(0, -1);
  const parent = valueAt(value, within) as Record<string | number, unknown> | undefined;
  const key = path.at(-1);
  const again = doubtful.some((other) => isUnder(path, other));
  doubtful.push(path);
  if (parent === undefined || key === undefined || parent[key] === undefined) return false;
  if (isSecretPath(path) && typeof parent[key] === 'string') registerSecret(parent[key]);
  if (told.unknownKey === true) {
    if (suggestion !== undefined && parent[suggestion] === undefined) {
      parent[suggestion] = parent[key];
      places.alias(path, [...within, suggestion]);
    }
    delete parent[key];
    return true;
  }
  const standIn = suggestion ?? schemaAt(path, value)?.examples?.[0];
  if (standIn !== undefined && !again) {
    parent[key] = standIn;
  } else if (Array.isArray(parent)) {
    // Later positions must stay what they are, so the whole list is left out.
    doubtful.push(within);
    set(value, within, undefined);
  } else {
    delete parent[key];
  }
  return true;
}

function set(document: unknown, path: Path, value: unknown): void {
  const parent = valueAt(document, path.slice(0, -1)) as Record<string | number, unknown>;
  const key = path.at(-1);
  if (key === undefined) return;
  if (value === undefined) delete parent[key];
  else parent[key] = value;
}

/** The parts of a faulty document that are right by themselves. */
function salvage(value: Record<string, unknown>): Checked {
  const { shape } = ConfigSchema;
  const tables = Array.isArray(value.tables) ? value.tables : [];
  const clusters = value.kafka !== null && typeof value.kafka === 'object' ? value.kafka : {};
  return {
    kafka:
      shape.kafka.safeParse(value.kafka).data ??
      Object.fromEntries(Object.keys(clusters).map((k) => [k, {}])),
    warehouse: shape.warehouse.safeParse(value.warehouse).data,
    ingest: shape.ingest.safeParse(value.ingest).data,
    tables: tables.map((table: unknown) => shape.tables.unwrap().element.safeParse(table).data),
  };
}

function isUnder(path: Path, ancestor: Path): boolean {
  return ancestor.every((step, index) => path[index] === step);
}

function tableName(document: ConfigDocument, path: Path): string | undefined {
  if (path[0] !== 'tables' || typeof path[1] !== 'number') return undefined;
  const name = valueAt(document.value, ['tables', path[1], 'name']);
  return typeof name === 'string' ? name : undefined;
}
