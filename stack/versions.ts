/**
 * Every pinned version of the stack, or where it is pinned.
 *
 * Jars are named in `maven/*.xml` and fixed by hash in `maven/*.lock`; Go modules in `go/<name>/go.mod` and fixed by
 * its go.sum; the Temporal wheel in `python/temporal.txt`, with its hashes.
 */
export const VERSIONS = {
  temporalWheel: '1.9.1',
  kafka: '4.1.2',
  hadoop: '3.3.6',
  hive: '4.0.1',
  tez: '0.10.4',
  tidb: '8.4.0',
  ferretdb: '1.24.2',
  debezium: '3.3.0.Final',
  mavenDependencyPlugin: '3.8.1',
} as const;

/** Java releases that Kafka 4, Hadoop 3.3 and Hive 4 all run on. */
export const JAVA_MAJOR = { min: 17, max: 23 } as const;

/** The classpaths that Maven fills. */
export type Classpath = 'kafka' | 'hdfs' | 'hive' | 'debezium';

/**
 * Jars left out of a classpath by artifact id: a shaded copy of Hadoop breaks Tez, and Hive logs through reload4j, so
 * a second slf4j binding must not be there.
 */
export const EXCLUDED_ARTIFACTS: Partial<Record<Classpath, string[]>> = {
  hive: ['hadoop-client-api', 'log4j-slf4j-impl'],
};
