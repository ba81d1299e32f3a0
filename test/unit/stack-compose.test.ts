import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CHECKOUT_DIR } from '../../stack/paths.js';
import { DEFAULT_PORTS } from '../../stack/ports.js';
import { UNITS } from '../../stack/services/index.js';
import { SEARCH_ATTRIBUTES } from '../../stack/services/temporal.js';
import { VERSIONS } from '../../stack/versions.js';

interface Compose {
  services: Record<string, { image: string; ports?: string[]; command?: string[]; network_mode?: string }>;
}

const compose = parse(readFileSync(join(CHECKOUT_DIR, 'docker-compose.yml'), 'utf8'), {
  merge: true,
}) as Compose;
const published = Object.values(compose.services).flatMap(({ ports }) => ports ?? []);

describe('docker-compose.yml', () => {
  it("publishes exactly the ports of the local stack's units, on the loopback only", () => {
    const expected = UNITS.filter(({ name }) => !['mariadb', 'connect'].includes(name))
      .flatMap((unit) => unit.ports.map((name) => DEFAULT_PORTS[name]))
      .map((port) => `127.0.0.1:${port}:${port}`);
    expect([...published].sort()).toEqual([...expected].sort());
  });

  it('registers the search attributes of the local stack', () => {
    const flags = compose.services.temporal?.command?.filter((flag) =>
      flag.startsWith('--search-attribute='),
    );
    expect(flags).toEqual(
      Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => `--search-attribute=${name}=${type}`),
    );
  });

  it('runs the versions of the local stack', () => {
    const images = Object.fromEntries(
      Object.entries(compose.services).map(([name, { image }]) => [name, image]),
    );
    expect(images).toMatchObject({
      temporal: `temporalio/temporal:${VERSIONS.temporalWheel}`,
      kafka: `apache/kafka:${VERSIONS.kafka}`,
      namenode: `apache/hadoop:${VERSIONS.hadoop}`,
      datanode: `apache/hadoop:${VERSIONS.hadoop}`,
      metastore: `apache/hive:${VERSIONS.hive}`,
      hive: `apache/hive:${VERSIONS.hive}`,
      tidb: `pingcap/tidb:v${VERSIONS.tidb}`,
    });
  });

  it('keeps HDFS and Hive in one network namespace, so that hdfs://127.0.0.1 means the same to all', () => {
    for (const name of ['datanode', 'metastore', 'hive']) {
      expect(compose.services[name]?.network_mode).toBe('service:namenode');
    }
  });
});
