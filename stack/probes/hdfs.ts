import { TributaryError } from '../../common/errors.js';

const TIMEOUT_MS = 4000;

/** Rejects until WebHDFS lists the root, the NameNode is out of safe mode and a DataNode lives. */
export async function probeNamenode(webhdfsUrl: string): Promise<void> {
  await getJson(`${webhdfsUrl}/webhdfs/v1/?op=LISTSTATUS&user.name=hive`);
  const info = await bean(webhdfsUrl, 'NameNodeInfo');
  if (info.Safemode !== '') throw notReady(`HDFS is in safe mode: ${String(info.Safemode)}`);
  const state = await bean(webhdfsUrl, 'FSNamesystemState');
  if (Number(state.NumLiveDataNodes) < 1) throw notReady('HDFS has no live DataNode yet');
}

/** Rejects until the DataNode answers and the NameNode counts it as alive. */
export async function probeDatanode(webhdfsUrl: string, datanodeUrl: string): Promise<void> {
  await getJson(`${datanodeUrl}/jmx?qry=Hadoop:service=DataNode,name=JvmMetrics`);
  const state = await bean(webhdfsUrl, 'FSNamesystemState');
  if (Number(state.NumLiveDataNodes) < 1) throw notReady('The NameNode does not know the DataNode yet');
}

async function bean(webhdfsUrl: string, name: string): Promise<Record<string, unknown>> {
  const answer = await getJson(`${webhdfsUrl}/jmx?qry=Hadoop:service=NameNode,name=${name}`);
  const beans = (answer as { beans?: Record<string, unknown>[] }).beans;
  if (!beans?.[0]) throw notReady(`The NameNode does not show ${name} yet`);
  return beans[0];
}

async function getJson(url: string): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch((error: Error) => {
    const cause = error.cause instanceof Error ? error.cause.message : error.message;
    throw notReady(`${new URL(url).host}: ${cause}`);
  });
  const text = await response.text();
  if (!response.ok) throw notReady(`${url} answered ${response.status}: ${text.slice(0, 200)}`);
  return JSON.parse(text) as unknown;
}

function notReady(message: string): TributaryError {
  return new TributaryError({ code: 'StackNotReady', message, retryable: true });
}
