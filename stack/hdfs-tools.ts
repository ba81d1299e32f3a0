import { fetchJars } from './fetch/maven.js';
import { cacheDir, stackDir, stackPaths } from './paths.js';
import { javaCommand } from './preflight.js';
import { type RunResult, runChecked } from './proc/run.js';
import { silent } from './progress.js';

/** `hdfs dfsadmin ...` on the stack's HDFS, e.g. `-safemode enter` or `-setSpaceQuota 1m /dir`. */
export function dfsadmin(args: string[], root: string = stackDir()): Promise<RunResult> {
  return runHdfs('org.apache.hadoop.hdfs.tools.DFSAdmin', args, root);
}

/** `hdfs dfs ...` on the stack's HDFS, e.g. `-ls -R /warehouse`. */
export function dfs(args: string[], root: string = stackDir()): Promise<RunResult> {
  return runHdfs('org.apache.hadoop.fs.FsShell', args, root);
}

async function runHdfs(main: string, args: string[], root: string): Promise<RunResult> {
  const jars = await fetchJars(cacheDir(), 'hdfs', 'hdfs', silent);
  const classpath = `${stackPaths(root).conf('hdfs')}:${jars}/*`;
  const options = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classpath];
  return runChecked(main, javaCommand(), [...options, main, ...args]);
}
