import { Kafka, logLevel } from 'kafkajs';
import { TributaryError } from '../../common/errors.js';

/** Rejects until Kafka answers a metadata request and has a controller. */
export async function probeKafka(brokers: string[]): Promise<void> {
  const kafka = new Kafka({
    clientId: 'tributary-stack',
    brokers,
    connectionTimeout: 2000,
    requestTimeout: 4000,
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    const cluster = await admin.describeCluster();
    if (cluster.brokers.length > 0 && cluster.controller !== null) return;
    throw new TributaryError({
      code: 'StackNotReady',
      message: 'Kafka has no controller yet',
      retryable: true,
    });
  } finally {
    await admin.disconnect();
  }
}
