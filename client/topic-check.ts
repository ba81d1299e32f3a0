import { errorMessage } from '../common/errors.js';
import type { RuntimeConfig } from '../config/runtime.js';
import type { TableSpec } from '../config/spec.js';
import { suggest } from '../config/suggest.js';
import { createAdmin } from '../kafka/admin.js';
import { clusterOptions } from '../workers/open-context.js';

/** The topics of a cluster, or why it could not be asked. */
export type Topics = { brokers: string[] } & ({ topics: string[] } | { unknown: string });

/** What is wrong with the topic of a table, in words for a person. */
export interface TopicFinding {
  table: string;
  code: 'TopicNotFound' | 'TopicNotChecked';
  message: string;
}

/**
 * Asks the clusters that tables read for their topics. A cluster that does not answer is no fault of the caller's.
 * @param patienceMs how long to wait for an answer; absent: as long as other questions to Kafka
 */
export async function topicsOf(
  runtime: RuntimeConfig,
  specs: TableSpec[],
  patienceMs?: number,
): Promise<Map<string, Topics>> {
  const names = [...new Set(specs.map(({ kafka }) => kafka))];
  const found = await Promise.all(
    names.map(async (name): Promise<[string, Topics]> => {
      const cluster = runtime.kafka[name]!;
      const { brokers } = cluster;
      const signal = patienceMs === undefined ? undefined : AbortSignal.timeout(patienceMs);
      const admin = createAdmin(clusterOptions(cluster));
      try {
        const topics = (await admin.listTopics(signal)).map(({ topic }) => topic);
        await admin.close();
        return [name, { brokers, topics }];
      } catch (error) {
        // Closing would wait for the connection that nobody answers.
        void admin.close().catch(() => undefined);
        if (!signal?.aborted) return [name, { brokers, unknown: errorMessage(error) }];
        const unknown = `Kafka at ${brokers.join(', ')} did not answer within ${patienceMs! / 1_000} s`;
        return [name, { brokers, unknown }];
      }
    }),
  );
  return new Map(found);
}

/** Tables whose topic is not there. Pure. */
export function topicFindings(specs: TableSpec[], clusters: Map<string, Topics>): TopicFinding[] {
  return specs.flatMap(({ name: table, kafka, topic }): TopicFinding[] => {
    const cluster = clusters.get(kafka)!;
    if ('unknown' in cluster) {
      const message = `whether topic ${topic} of ${table} exists was not checked: ${cluster.unknown}`;
      return [{ table, code: 'TopicNotChecked', message }];
    }
    if (cluster.topics.includes(topic)) return [];
    const meant = suggest(topic, cluster.topics);
    return [
      {
        table,
        code: 'TopicNotFound',
        message:
          `${table} reads topic ${topic} (from.topic), and Kafka at ${cluster.brokers.join(', ')} (kafka.${kafka}.brokers) shows no such topic` +
          `${meant === undefined ? '' : `; did you mean ${meant}?`}. Mend from.topic, create the topic, or let this user see it. ` +
          'Started as it is, the table waits until the topic is there.',
      },
    ];
  });
}
