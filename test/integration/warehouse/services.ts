import { randomBytes } from 'node:crypto';
import { readEndpoints } from '../../../stack/endpoints.js';
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
