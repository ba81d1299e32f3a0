import type { TLSConfig } from '@temporalio/client';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { TributaryError } from '../common/errors.js';
import { loadConfig, parseConfig, type LoadedConfig } from '../config/load.js';
import { ConfigError } from '../config/problems.js';
import { resolveRuntime } from '../config/resolve-runtime.js';
import { resolveTables } from '../config/resolve.js';
import { ingestOf, type RuntimeConfig, type TemporalRuntime } from '../config/runtime.js';
import type { TableSpec } from '../config/spec.js';
import { suggest } from '../config/suggest.js';
import type { IngestSettings } from '../workflows/ingest-types.js';
import { note } from './output.js';
import type { TemporalTarget } from './temporal.js';

/** The config as a command sees it. */
export interface Session {
  loaded: LoadedConfig;
  runtime: RuntimeConfig;
  specs: TableSpec[];
}

/**
 * Loads the config of a command.
 * @param secrets `optional` for commands that only talk to Temporal: they need no database password to run
 * @throws ConfigError with every mistake of the file
 */
export async function openSession(
  file: string,
  secrets: 'required' | 'optional' = 'optional',
): Promise<Session> {
  const loaded = await loadConfig(file, { secrets });
  return {
    loaded,
    runtime: resolveRuntime(loaded),
    specs: resolveTables(loaded).map(({ spec }) => spec),
  };
}

/** The connections of the file as it is now. @throws ConfigError */
export function readRuntime(file: string): RuntimeConfig {
  return resolveRuntime(parseConfig(readFileSync(file, 'utf8'), file, { secrets: 'optional' }));
}

/**
 * The same for commands that look around while people still write their tables: mistakes under `tables:` do not stop
 * them, the tables are then left out.
 */
export async function openConnections(file: string): Promise<Session> {
  try {
    return await openSession(file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const loaded = await loadConfig(file, { secrets: 'optional', sections: 'connections' });
    note(`${file} has mistakes in its tables, which are left out here; tributary validate shows them`);
    return { loaded, runtime: resolveRuntime(loaded), specs: [] };
  }
}

/** How a table's topic is cut into batches. */
export function settingsOf(runtime: RuntimeConfig, spec: TableSpec): IngestSettings {
  const ingest = ingestOf(runtime, spec.kafka, spec.topic);
  const compaction = runtime.tables[spec.name]!.compaction;
  return {
    flushMs: ingest.flushIntervalMs,
    maxRecords: ingest.flushMaxRecords,
    splitBytes: Math.min(ingest.splitBytes, ingest.flushMaxBytes),
    parallelism: ingest.parallelism,
    compaction: { targetBytes: compaction.targetFileBytes, minFiles: compaction.minFiles },
  };
}

/**
 * The tables that a command names; all of them if it names none.
 * @throws TributaryError TableUnknown, with the name that was probably meant
 */
export function pickTables(specs: TableSpec[], names: string[]): TableSpec[] {
  if (names.length === 0) return specs;
  return names.map((name) => {
    const spec = specs.find((candidate) => candidate.name === name);
    if (spec) return spec;
    throw tableUnknown(name, specs);
  });
}

/** Of a name that is no table's, with the one that was probably meant. */
export function tableUnknown(name: string, specs: TableSpec[]): TributaryError {
  const meant = suggest(
    name,
    specs.map((candidate) => candidate.name),
  );
  return new TributaryError({
    code: 'TableUnknown',
    message: `There is no table ${name} in the config${meant === undefined ? '' : `; did you mean ${meant}?`}`,
    attributes: { table: name },
  });
}

export async function temporalTarget(temporal: TemporalRuntime): Promise<TemporalTarget> {
  return { namespace: temporal.namespace, options: await connectionOptions(temporal) };
}

/** The same options serve the client and the worker. */
export async function connectionOptions(
  temporal: TemporalRuntime,
): Promise<{ address: string; tls?: TLSConfig; apiKey?: string }> {
  const { address, tls, apiKey } = temporal;
  const file = async (path: string | undefined): Promise<Buffer | undefined> =>
    path === undefined ? undefined : readFile(path);
  const [ca, cert, key] = await Promise.all([file(tls?.caFile), file(tls?.certFile), file(tls?.keyFile)]);
  return {
    address,
    ...(apiKey && { apiKey: apiKey.reveal() }),
    ...(tls && {
      tls: {
        ...(ca && { serverRootCACertificate: ca }),
        ...(cert && key && { clientCertPair: { crt: cert, key } }),
        ...(tls.serverName !== undefined && { serverNameOverride: tls.serverName }),
      },
    }),
  };
}
