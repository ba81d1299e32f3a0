import { stackDir } from './paths.js';
import type { Ports } from './ports.js';
import { initialState, readState } from './state.js';

const HOST = '127.0.0.1';

/** Addresses of a stack's services, for clients. */
export interface Endpoints {
  temporal: { address: string; uiUrl: string; metricsUrl: string };
  kafka: { brokers: string[] };
  hdfs: { webhdfsUrl: string; fsUrl: string };
  hive: { host: string; port: number };
  tidb: { host: string; port: number; url: string; statusUrl: string };
  mongo: { url: string };
  mariadb: { host: string; port: number; url: string };
  connect: { url: string };
}

/** Addresses of the stack in `root`; of one at the default ports if nothing was started there yet. */
export function readEndpoints(root: string = stackDir()): Endpoints {
  return endpointsOf((readState(root) ?? initialState()).ports);
}

/** Addresses that follow from a table of ports. */
export function endpointsOf(ports: Ports): Endpoints {
  return {
    temporal: {
      address: `${HOST}:${ports.temporal}`,
      uiUrl: `http://${HOST}:${ports.temporalUi}`,
      metricsUrl: `http://${HOST}:${ports.temporalMetrics}/metrics`,
    },
    kafka: { brokers: [`${HOST}:${ports.kafka}`] },
    hdfs: { webhdfsUrl: `http://${HOST}:${ports.namenodeHttp}`, fsUrl: `hdfs://${HOST}:${ports.namenode}` },
    hive: { host: HOST, port: ports.hive },
    tidb: {
      host: HOST,
      port: ports.tidb,
      url: `mysql://root@${HOST}:${ports.tidb}`,
      statusUrl: `http://${HOST}:${ports.tidbStatus}`,
    },
    mongo: { url: `mongodb://${HOST}:${ports.mongo}` },
    mariadb: { host: HOST, port: ports.mariadb, url: `mysql://root@${HOST}:${ports.mariadb}` },
    connect: { url: `http://${HOST}:${ports.connect}` },
  };
}
