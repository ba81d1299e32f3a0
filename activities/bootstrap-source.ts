import type { BootstrapSource, BootstrapStart, SourceAccess } from '../sources/bootstrap-source.js';
import { startBootstrap } from '../sources/bootstrap.js';
import { mongoBootstrap } from '../sources/mongo-bootstrap.js';
import { tidbBootstrap } from '../sources/tidb-bootstrap.js';
import type { TableSpec } from '../config/spec.js';
import { TributaryError } from '../common/errors.js';
import type { ActivityContext } from './context.js';

/** The database of a table's bootstrap; the URL is this worker's own and goes no further. */
export function sourceAccess(
  context: Pick<ActivityContext, 'secret'>,
  { name, bootstrap }: TableSpec,
  signal: AbortSignal,
): SourceAccess {
  if (!bootstrap) {
    throw new TributaryError({
      code: 'BootstrapMissing',
      message: `Table ${name} has no \`bootstrap\`. Configure one, then: tributary start ${name}`,
      attributes: { table: name },
    });
  }
  return { url: context.secret(bootstrap.urlRef), spec: bootstrap, signal };
}

export function bootstrapSource(access: SourceAccess): BootstrapSource {
  return access.spec.kind === 'tidb' ? tidbBootstrap(access) : mongoBootstrap(access);
}

/** What the first attempt of a bootstrap decided. */
export function readStart(
  context: Pick<ActivityContext, 'storage'>,
  directory: string,
  signal: AbortSignal,
): Promise<BootstrapStart> {
  const begunAlready = (): Promise<BootstrapStart> =>
    Promise.reject(
      new TributaryError({
        code: 'BootstrapIncomplete',
        message: `${directory} is not a bootstrap: its _start.json is gone. It is begun again.`,
        attributes: { directory },
      }),
    );
  return startBootstrap(context.storage, directory, begunAlready, signal);
}
