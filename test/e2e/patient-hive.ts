import { HiveCatalog } from '../../warehouse/catalog-hive.js';
import { endpoints, type Installation } from './support.js';

/** Hive of an installation, for statements that wait while the workers keep it busy. The caller closes it. */
export function patientHive(here: Installation): HiveCatalog {
  return new HiveCatalog({
    ...endpoints.hive,
    auth: 'nosasl',
    user: 'hive',
    database: here.name,
    settings: {},
    statementTimeoutMs: 600_000,
  });
}
