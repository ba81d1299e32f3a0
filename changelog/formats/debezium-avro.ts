import { lit } from '../../warehouse/duckdb.js';
import { PROBLEM_PREFIX } from '../avro-lines.js';
import type { ChangeSource } from '../change-source.js';
import { debezium } from './debezium.js';

/** Debezium's Avro, read from the lines that `AvroLines` makes: as its JSON, but for records that could not be read, which say why. */
export function avroSource(problems: boolean): ChangeSource {
  if (!problems) return debezium;
  return {
    ...debezium,
    select: (lines, options) => {
      const bad =
        `SELECT p AS bad_p, o AS bad_o, json_extract_string(value, '$.avro_problem.reason') AS bad_reason, ` +
        `json_extract_string(value, '$.avro_problem.detail') AS bad_detail FROM ${lines} WHERE starts_with(value, ${lit(PROBLEM_PREFIX)})`;
      return (
        `SELECT c.* REPLACE (coalesce(b.bad_reason, c.reason) AS reason, coalesce(b.bad_detail, c.sql) AS sql) ` +
        `FROM (${debezium.select(lines, options)}) c LEFT JOIN (${bad}) b ON c.p = b.bad_p AND c.o = b.bad_o`
      );
    },
  };
}
