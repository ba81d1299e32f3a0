import { randomBytes } from 'node:crypto';
import { readEndpoints } from '../../../stack/endpoints.js';
import { HiveCatalog, type HiveCatalogOptions } from '../../../warehouse/catalog-hive.js';
import { hiveName } from '../../../warehouse/sql.js';
import { WebHdfsStorage, type WebHdfsOptions } from '../../../warehouse/storage-webhdfs.js';

/** Name of this run's database and directory, so that runs side by side do not meet. */
export const RUN = `wh_${randomBytes(4).toString('hex')}`;

export const ROOT = `/warehouse/test-${RUN}`;

export function hdfs(over: Partial<WebHdfsOptions> = {}): WebHdfsStorage {
  const { webhdfsUrl, fsUrl } = readEndpoints().hdfs;
  return new WebHdfsStorage({ urls: [webhdfsUrl], user: 'hive', root: ROOT, fsUri: fsUrl, ...over });
}

/** Removes everything of this run. */
export async function removeRoot(): Promise<void> {
  await hdfs({ root: '/warehouse' }).remove(`test-${RUN}`);
}

export function hive(over: Partial<HiveCatalogOptions> = {}): HiveCatalog {
  const { host, port } = readEndpoints().hive;
  return new HiveCatalog({ host, port, auth: 'nosasl', user: 'hive', database: RUN, ...over });
}

/** Removes this run's database; its tables are external, so the files stay until `removeRoot`. */
export async function dropDatabase(catalog: HiveCatalog): Promise<void> {
  const elsewhere = hive({ database: 'default' });
  await elsewhere.execute(`DROP DATABASE IF EXISTS ${hiveName(catalog.database)} CASCADE`);
  await elsewhere.close();
}
