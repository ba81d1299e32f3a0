import { describe, expect, it } from 'vitest';
import * as sql from '../../../warehouse/sql.js';

const table = {
  name: 'stat_click',
  columns: [
    { name: 'uid', type: 'bigint' },
    { name: 'select', type: 'array<string>', comment: "it's" },
  ],
  partitionColumns: ['dt', 'hh'],
  location: 'hdfs://nn:8020/warehouse/stat_click',
};

describe('quoting', () => {
  it('closes neither identifiers nor strings', () => {
    expect(sql.hiveName('a`b')).toBe('`a``b`');
    expect(sql.hiveString("a'b\\c\nd")).toBe("'a\\'b\\\\c\\nd'");
    expect(sql.duckName('a"b')).toBe('"a""b"');
    expect(sql.duckString("a'b\\")).toBe("'a''b\\'");
    expect(sql.duckString('a\0b')).toBe("'a' || chr(0) || 'b'");
  });

  it('keeps HiveServer2 from replacing variables inside strings', () => {
    expect(sql.hiveString('${env:HOME}')).not.toContain('$');
  });

  it.each(['int; drop table x', '', "string COMMENT 'x'", 'a`b'])('refuses the type %j', (type) => {
    expect(() => sql.hiveType(type)).toThrow(expect.objectContaining({ code: 'InvalidSql' }));
  });
});

describe('statements', () => {
  it('create an external table that never purges', () => {
    expect(sql.createTable('ods', table)).toBe(
      [
        "CREATE EXTERNAL TABLE IF NOT EXISTS `ods`.`stat_click` (`uid` bigint, `select` array<string> COMMENT 'it\\'s')",
        'PARTITIONED BY (`dt` string, `hh` string)',
        'STORED AS PARQUET',
        "LOCATION 'hdfs://nn:8020/warehouse/stat_click'",
        "TBLPROPERTIES ('external.table.purge'='false')",
      ].join('\n'),
    );
  });

  it('add many partitions at once', () => {
    const partitions = ['00', '01'].map((hh) => ({
      values: { hh, dt: '2026-01-01' },
      location: `hdfs://x/${hh}`,
    }));
    expect(sql.addPartitions('ods', 'stat_click', partitions)).toBe(
      [
        'ALTER TABLE `ods`.`stat_click` ADD IF NOT EXISTS',
        "PARTITION (`dt`='2026-01-01', `hh`='00') LOCATION 'hdfs://x/00'",
        "PARTITION (`dt`='2026-01-01', `hh`='01') LOCATION 'hdfs://x/01'",
      ].join('\n'),
    );
  });

  it('add columns to the old partitions too', () => {
    expect(sql.addColumns('ods', 't', [{ name: 'n', type: 'decimal(18,2)' }])).toBe(
      'ALTER TABLE `ods`.`t` ADD COLUMNS (`n` decimal(18,2)) CASCADE',
    );
  });

  it('cast every selected expression to text', () => {
    expect(sql.textColumns({ n: 'count(*)', top: 'max(t.id)' })).toBe(
      'CAST(count(*) AS STRING) AS `n`, CAST(max(t.id) AS STRING) AS `top`',
    );
  });
});
