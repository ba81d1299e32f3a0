import { TributaryError } from '../../common/errors.js';
import { connect } from './connect.js';
import { datanode, namenode } from './hdfs.js';
import { hive } from './hive.js';
import { kafka } from './kafka.js';
import { mariadb } from './mariadb.js';
import { mongo } from './mongo.js';
import { temporal } from './temporal.js';
import { tidb } from './tidb.js';
import type { Unit, UnitName } from './unit.js';

/** All units, in the order in which people see them. */
export const UNITS: readonly Unit[] = [
  temporal,
  kafka,
  namenode,
  datanode,
  hive,
  tidb,
  mongo,
  mariadb,
  connect,
];

/** What `up` without names starts. */
export const CORE = ['temporal', 'kafka', 'hdfs', 'hive'];

/** What `up --all` starts. */
export const ALL = [...CORE, 'tidb', 'mongo'];

/** The unit of a name. */
export function unitNamed(name: string): Unit {
  const unit = UNITS.find((candidate) => candidate.name === name);
  if (!unit) throw unknownName(name);
  return unit;
}

/** Units that names of services or units stand for, in display order. */
export function selectUnits(names: string[]): Unit[] {
  const chosen = new Set<Unit>();
  for (const name of names) {
    const matches = UNITS.filter((unit) => unit.service === name || unit.name === name);
    if (matches.length === 0) throw unknownName(name);
    matches.forEach((unit) => chosen.add(unit));
  }
  return UNITS.filter((unit) => chosen.has(unit));
}

/** The chosen units and all that they need. */
export function withDependencies(units: Unit[]): Unit[] {
  const names = new Set<UnitName>();
  const add = (unit: Unit) => {
    unit.after.map(unitNamed).forEach(add);
    names.add(unit.name);
  };
  units.forEach(add);
  return UNITS.filter((unit) => names.has(unit.name));
}

/** The chosen units and all that cannot work without them. */
export function withDependents(units: Unit[]): Unit[] {
  return UNITS.filter((unit) => withDependencies([unit]).some((needed) => units.includes(needed)));
}

function unknownName(name: string): TributaryError {
  const known = [...new Set(UNITS.flatMap((unit) => [unit.service, unit.name]))].join(', ');
  return new TributaryError({
    code: 'StackUnknownService',
    message: `There is no service "${name}". Known: ${known}.`,
  });
}
