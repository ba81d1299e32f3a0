import { join } from 'node:path';
import { mirrorTable } from '../changelog/mirror-table.js';
import type { LandingTable } from '../changelog/types.js';
import { isTributaryError, TributaryError } from '../common/errors.js';
import { formatInstant } from '../common/zone.js';
import type { TableSpec } from '../config/spec.js';
import { documentCodec, openMongo } from '../sources/mongo-bootstrap.js';
import { planChunks, type Chunk } from '../sources/mysql-chunks.js';
import { MysqlSession } from '../sources/mysql-session.js';
import { readChunk, type ReadContext } from '../sources/read-chunk.js';
import * as tidb from '../sources/tidb-bootstrap.js';
import { bootstrapCdcTs, checkGcLife, tsoBefore } from '../sources/tidb.js';
import { verifyDocuments } from '../sources/verify-documents.js';
import { checkZone } from '../sources/verify-source.js';
import { comparedInAll, duckMd5, keyColumns, type ComparedColumn } from '../sources/verify-text.js';
import { partsOf, verifyTable, type SourcePart } from '../sources/verify.js';
import { Duck } from '../warehouse/duckdb.js';
import { baseName } from '../warehouse/layout.js';
import { ManifestStore } from '../warehouse/manifest-store.js';
import type { PartitionState } from '../warehouse/manifest.js';
import { claimDirectory, switchPartition } from '../warehouse/partition-switch.js';
import { changedFiles, changedText } from '../warehouse/snapshot/changed-files.js';
import { snapshotDamaged } from '../warehouse/snapshot/errors.js';
import {
  readSnapshotManifest,
  SNAPSHOT_MANIFEST,
  writeSnapshotManifest,
  type SnapshotManifest,
} from '../warehouse/snapshot/manifest.js';
import { repairSnapshot } from '../warehouse/snapshot/repair.js';
import type { StoredFile } from '../warehouse/storage.js';
import type { SnapshotReport, VerifyRequest } from '../workflows/verify-types.js';
import { attempt, withScratch, type Attempt } from './attempt.js';
import { sourceAccess } from './bootstrap-source.js';
import type { ActivityContext } from './context.js';
import { boundaryOf } from './due-snapshots.js';
import { landingOf } from './prepare-table.js';
import { snapshotTableName } from './snapshot-table.js';
import type { HeavyActivities } from './types.js';
import { namesOf, shortened, tooDifferent } from './verify-snapshot-text.js';

/** Differing rows that are shown. */
const SHOWN = 20;
/** Documents that are compared one by one. */
const SAMPLE = 200;

/** A published snapshot. */
interface Published {
  spec: TableSpec;
  landing: LandingTable;
  state: PartitionState;
  manifest: SnapshotManifest;
  name: string;
  /** Files that readers see, also those that are not Tributary's. */
  files: string[];
  /** All entries of the directory. */
  present: StoredFile[];
  /** What someone else did to the files. */
  changed: string | null;
}

/** Compares a snapshot with its source: TiDB as of the boundary, row by row; MongoDB by counts and samples, as it is now. */
export function verifySnapshot(context: ActivityContext): HeavyActivities['verifySnapshot'] {
  return ({ spec, request, after = -1 }) =>
    attempt(async (at) => {
      const published = await findSnapshot(context, spec, request, at.signal);
      if (published.state.revision <= after) return null;
      return withScratch(context.scratch, 'verify', (workDir) =>
        spec.bootstrap?.kind === 'mongodb'
          ? compareDocuments(context, published, workDir, at)
          : compareRows(context, published, request, workDir, at),
      );
    });
}

/** @throws TributaryError SnapshotMissing */
async function findSnapshot(
  context: ActivityContext,
  spec: TableSpec,
  { atMs = null }: VerifyRequest,
  signal: AbortSignal,
): Promise<Published> {
  const table = snapshotTableName(spec);
  const states = (await new ManifestStore(context.storage).listPartitions(table, signal))
    .filter((state) => state.dropped !== true)
    .map((state) => ({ state, ms: boundaryOf(state, spec) }))
    .filter(({ ms }) => atMs === null || ms <= atMs)
    .sort((a, b) => b.ms - a.ms);
  const state = states[0]?.state;
  const manifest = state && (await readSnapshotManifest(context.storage, state.directory, signal));
  if (state && !manifest) {
    throw snapshotDamaged(spec.name, states[0]!.ms, `${state.directory}/${SNAPSHOT_MANIFEST} is gone.`);
  }
  if (!state || !manifest) {
    const when = atMs === null ? '' : ` at or before ${formatInstant(atMs, spec.timezone)}`;
    throw new TributaryError({
      code: 'SnapshotMissing',
      message: `${spec.name} has no snapshot${when} to compare. tributary status ${spec.name} tells which is the last.`,
      attributes: { table: spec.name },
    });
  }
  const present = (await context.storage.list(state.directory, signal)).filter((file) => !file.directory);
  return {
    spec,
    landing: await landingOf(context, spec, signal),
    state,
    manifest,
    name: Object.entries(state.partition)
      .map(([column, value]) => `${column}=${value}`)
      .join('/'),
    files: present.filter((file) => !/^[._]/.test(baseName(file.path))).map(({ path }) => path),
    present,
    changed: changedText(changedFiles(manifest, present)),
  };
}

async function compareRows(
  context: ActivityContext,
  published: Published,
  request: VerifyRequest,
  workDir: string,
  at: Attempt,
): Promise<SnapshotReport> {
  const { spec, landing, manifest } = published;
  const { signal } = at;
  const tso = tsoBefore(manifest.boundaryMs);
  const access = sourceAccess(context, spec, signal);
  return tidb.withSession(MysqlSession.open({ url: access.url, tso, signal }), async (session) => {
    const gc = await tidb.gcState(session);
    if (gc) checkGcLife(tso, gc, Date.now());
    const tables = (await tidb.sourceTables(session, access.spec)).map((table) => ({
      table,
      columns: tidb.mirrorColumns(landing, table),
    }));
    await checkZone(session, spec.timezone);
    const keyNames = manifest.bucketing.key.map((text) => text.slice(0, text.lastIndexOf(':')));
    const digits = manifest.counts.rows > 1_000_000 ? 4 : 2;
    const sides = comparedInAll(tables, spec.timezone).map((columns) => ({
      ...{ columns, digits },
      key: keyColumns(columns, keyNames.length > 0 ? keyNames : spec.key),
    }));
    const parts: SourcePart[] = [];
    for (const [i, { table }] of tables.entries()) {
      const chunks: Chunk[] = [];
      for await (const chunk of planChunks(session, table, access.spec.chunkRows)) chunks.push(chunk);
      parts.push(...partsOf({ table, ...sides[i]! }, chunks));
    }
    // The mirror's side reads all tables' rows alike.
    const { columns: mirror } = tables[0]!;
    const { key } = sides[0]!;
    const ctx: ReadContext = { workDir: join(workDir, 'compare'), duck: context.duckdb, signal };
    const report = await verifyTable(ctx, session, {
      parts,
      mirror: { storage: context.storage, files: published.files, mirror, ...sides[0]! },
      limit: SHOWN,
    });
    let repaired: number | null = null;
    // Files of someone else with the right rows are wrong too: the next snapshot cannot be made of them.
    if (request.repair && (report.differingSlices.length > 0 || published.changed !== null)) {
      if (report.keys === null) throw tooDifferent(spec.name, published.name);
      const fresh: string[] = [];
      for (const index of report.parts) {
        const { source, chunk } = parts[index]!;
        const read = await readChunk({ ...ctx, workDir: join(workDir, `fresh-${index}`) }, session, {
          ...{ table: source.table, columns: tidb.mirrorColumns(landing, source.table), chunk },
          ...{ options: tidb.valueOptions(landing), cdcTs: bootstrapCdcTs(manifest.order, tso) },
        });
        fresh.push(read.path);
      }
      repaired = await repair(context, published, { key, keys: report.keys, fresh, workDir }, at);
    }
    return {
      name: published.name,
      boundaryMs: manifest.boundaryMs,
      revision: published.state.revision,
      source: `${namesOf(tables)} as of TSO ${tso}, the last one before the boundary`,
      sourceRows: report.sourceRows,
      mirrorRows: report.mirrorRows,
      sampled: null,
      different: report.keys === null ? null : report.keys.length,
      differences: report.differences.map(shortened),
      more: report.more,
      files: published.changed,
      repaired,
    };
  });
}

/** Puts the rows of the differing keys right in a new version of the partition, and moves the pointer there. */
async function repair(
  context: ActivityContext,
  { spec, landing, state, manifest, present }: Published,
  wrong: { key: ComparedColumn[]; keys: string[]; fresh: string[]; workDir: string },
  { signal, deadlineMs, id }: Attempt,
): Promise<number> {
  const table = snapshotTableName(spec);
  const { partition } = state;
  const claim = { table, partition, attempt: id, graceMs: context.graceMs };
  const directory = await claimDirectory(context, claim, signal);
  const duck = await Duck.open({ ...context.duckdb, tempDirectory: join(wrong.workDir, 'spill'), signal });
  let repaired: SnapshotManifest;
  try {
    repaired = await repairSnapshot({ storage: context.storage, workDir: wrong.workDir, signal }, duck, {
      table: mirrorTable(
        landing,
        wrong.key.map(({ name }) => name),
      ),
      manifest,
      from: state.directory,
      present,
      to: directory,
      fresh: wrong.fresh,
      keyText: duckMd5(wrong.key),
      keys: wrong.keys,
      revision: state.revision + 1,
    });
  } finally {
    duck.close();
  }
  await writeSnapshotManifest(context.storage, directory, repaired, signal);
  const { revision } = await switchPartition(
    context,
    {
      ...{ table, partition, newDirectory: directory, expectedDirectory: state.directory },
      newFiles: repaired.files.filter(({ kind }) => kind === 'rows').map(({ name }) => name),
      mode: 'replace',
      rows: repaired.counts.rows,
      streams: [],
      graceMs: context.graceMs,
    },
    { deadline: deadlineMs, signal },
  ).catch((error: unknown) => {
    throw isTributaryError(error, 'SwitchConflict') ? overtaken(table, state.revision, error) : error;
  });
  return revision;
}

function overtaken(table: string, revision: number, cause: unknown): TributaryError {
  return new TributaryError({
    code: 'RepairOvertaken',
    message:
      `${table} has got another revision than ${revision}, which was compared: another repair, or the table itself, was faster. ` +
      'Nothing was repaired by this one. Verify again.',
    attributes: { table, revision },
    cause,
  });
}

async function compareDocuments(
  context: ActivityContext,
  published: Published,
  workDir: string,
  { signal }: Attempt,
): Promise<SnapshotReport> {
  const { spec, manifest } = published;
  const access = sourceAccess(context, spec, signal);
  const session = await openMongo(access);
  try {
    const report = await verifyDocuments({ workDir, duck: context.duckdb, signal }, session, {
      collection: access.spec.table,
      storage: context.storage,
      files: published.files,
      codec: documentCodec(spec),
      sample: SAMPLE,
    });
    const differences = report.differences.slice(0, SHOWN).map(({ docId, source, mirror }) =>
      shortened({
        kind: source === null ? 'extra' : mirror === null ? 'missing' : 'different',
        source: source === null ? null : { doc_id: docId, doc: source },
        mirror: mirror === null ? null : { doc_id: docId, doc: mirror },
        columns: source === null || mirror === null ? [] : ['doc'],
      }),
    );
    return {
      name: published.name,
      boundaryMs: manifest.boundaryMs,
      revision: published.state.revision,
      source: `${access.spec.table} as it is now: what changed since the boundary differs`,
      sourceRows: report.sourceDocuments,
      mirrorRows: report.mirrorDocuments,
      sampled: report.sampled,
      different: report.differences.length,
      differences,
      more: report.differences.length > differences.length,
      files: published.changed,
      repaired: null,
    };
  } finally {
    await session.close();
  }
}
