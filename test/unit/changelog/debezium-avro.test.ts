import { afterAll, describe, expect, it } from 'vitest';

import { exactType } from '../../../bench/avro-type.js';
import { fixture } from './fixtures.js';
import { goldenTables } from './golden.js';
import { cleanUp, land, type TestRecord } from './landing.js';

afterAll(cleanUp);

interface Connect {
  type: string;
  optional?: boolean;
  field?: string;
  name?: string;
  version?: number;
  parameters?: Record<string, string>;
  fields?: Connect[];
  items?: Connect;
}

/** The Avro schema that Connect's Avro converter makes of a Connect schema; a record that occurs again is named. */
function avroSchema(schema: Connect, seen = new Set<string>()): unknown {
  const named = (inner: object) => ({
    ...inner,
    ...(schema.name !== undefined && { 'connect.name': schema.name }),
    ...(schema.version !== undefined && { 'connect.version': schema.version }),
    ...(schema.parameters && { 'connect.parameters': schema.parameters }),
  });
  const type = (): unknown => {
    switch (schema.type) {
      case 'struct': {
        const name = (schema.name ?? `Record${seen.size}`).replaceAll('-', '_');
        if (seen.has(name)) return name;
        seen.add(name);
        const [last, ...space] = name.split('.').reverse();
        const fields = schema.fields!.map((field) => ({
          name: field.field!,
          type: avroSchema(field, seen),
          ...(field.optional && { default: null }),
        }));
        return {
          type: 'record',
          name: last,
          namespace: space.reverse().join('.'),
          fields,
          'connect.name': name,
        };
      }
      case 'int8':
      case 'int16':
        return named({ type: 'int', 'connect.type': schema.type });
      case 'int32':
        return named({ type: 'int' });
      case 'int64':
        return named({ type: 'long' });
      case 'array':
        return named({ type: 'array', items: avroSchema(schema.items!, seen) });
      default:
        return schema.name?.endsWith('.Decimal')
          ? named({
              type: 'bytes',
              logicalType: 'decimal',
              scale: Number(schema.parameters!['scale']),
              precision: 64,
            })
          : named({ type: schema.type });
    }
  };
  return schema.optional ? ['null', type()] : type();
}

/** What avsc writes for a Connect value. */
function avroValue(schema: Connect, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (schema.type === 'struct') {
    const members = value as Record<string, unknown>;
    return Object.fromEntries(schema.fields!.map((f) => [f.field, avroValue(f, members[f.field!])]));
  }
  if (schema.type === 'bytes') return Buffer.from(value as string, 'base64');
  if (schema.type === 'int64') return BigInt(value as number);
  if (schema.type === 'array') return (value as unknown[]).map((item) => avroValue(schema.items!, item));
  return value;
}

class Registry {
  readonly schemas: string[] = [];
  asked = 0;

  encode(text: Buffer | string | null | undefined): Buffer | null {
    if (text === null || text === undefined) return null;
    const { schema, payload } = JSON.parse(text.toString()) as { schema: Connect; payload: unknown };
    const avroText = JSON.stringify(avroSchema(schema));
    if (!this.schemas.includes(avroText)) this.schemas.push(avroText);
    const header = Buffer.alloc(5);
    header.writeUInt32BE(this.schemas.indexOf(avroText) + 1, 1);
    const type = exactType(JSON.parse(avroText));
    return Buffer.concat([header, type.toBuffer(avroValue(schema, payload))]);
  }

  lookup = (id: number): Promise<string | undefined> => {
    this.asked += 1;
    return Promise.resolve(this.schemas[id - 1]);
  };
}

const options = { formatOptions: { registry: 'http://registry' } };

describe('debezium-avro: the same records in Avro land as they do in JSON', () => {
  it.each(['types_num__schema', 'no_key__schema'])('%s', async (name) => {
    const golden = fixture('debezium', name);
    const registry = new Registry();
    const records = golden.records.map((record): TestRecord => ({
      ...record,
      value: registry.encode(record.value),
      key: record.key ? registry.encode(record.key) : null,
    }));
    const json = goldenTables(golden, 'debezium');
    const tables = goldenTables(golden, 'debezium-avro', options);
    const wanted = await land(json, golden.records);
    const landed = await land(tables, records, { schemas: () => registry.lookup });
    expect(landed.result.quarantineReasons).toEqual({});
    for (const { spec } of tables) {
      const table = `${spec.name}_changelog`;
      const rows = await landed.rows(table, '* EXCLUDE (cdc_before)');
      expect(rows.length).toBeGreaterThan(0);
      expect(rows).toEqual(await wanted.rows(table, '* EXCLUDE (cdc_before)'));
    }
    // Schemas never change: each is asked for once, however many records have it.
    expect(registry.asked).toBe(registry.schemas.length);
  });

  it('columns that are learnt get the types that the schema says', async () => {
    const golden = fixture('debezium', 'types_num__schema');
    const registry = new Registry();
    const records = golden.records.map((record): TestRecord => ({
      ...record,
      value: registry.encode(record.value),
    }));
    const tables = goldenTables(golden, 'debezium-avro', { ...options, columns: [] }).map((table) => ({
      ...table,
      columns: [],
    }));
    const landed = await land(tables, records, { schemas: () => registry.lookup });
    expect(landed.result.newColumns[tables[0]!.spec.name]).toMatchObject({
      id: 'int',
      d10: 'decimal(10,2)',
      d20: 'decimal(20,0)',
      f: 'float',
      d: 'double',
    });
  });
});

describe('debezium-avro: records that cannot be read', () => {
  const golden = fixture('debezium', 'types_num__schema');
  const registry = new Registry();
  const good = registry.encode(golden.records.find(({ value }) => value !== null)!.value)!;
  const tables = goldenTables(golden, 'debezium-avro', options);
  const unknown = Buffer.from(good);
  unknown.writeUInt32BE(4711, 1);

  it('go to the quarantine with their bytes and the reason; the others land', async () => {
    const landed = await land(
      tables,
      [
        { value: unknown },
        { value: good.subarray(0, 40) },
        { value: '{"op":"c"}' },
        { value: null },
        { value: good },
      ],
      { schemas: () => registry.lookup },
    );
    expect(await landed.reasons()).toEqual([
      '0: schema_unknown',
      '1: record_undecodable',
      '2: record_undecodable',
    ]);
    const [first] = await landed.rows(
      `${tables[0]!.spec.name}_quarantine`,
      'detail, hex(record_value) AS bytes, kafka_partition, kafka_offset',
    );
    expect(first).toMatchObject({
      detail: 'the registry has no schema 4711',
      bytes: unknown.toString('hex').toUpperCase(),
    });
    expect(await landed.rows(`${tables[0]!.spec.name}_changelog`)).toHaveLength(1);
    expect(landed.result).toMatchObject({ records: 5, quarantined: 3, withoutRows: 1 });
  });

  it('what no registry takes for a number is not asked for: its answer could not be told from a wrong address', async () => {
    const wrong = Buffer.from(good);
    wrong.writeUInt32BE(0x80000000, 1);
    const asked: number[] = [];
    const lookup = (id: number) => {
      asked.push(id);
      return registry.lookup(id);
    };
    const landed = await land(tables, [{ value: wrong }, { value: good }], { schemas: () => lookup });
    expect(await landed.reasons()).toEqual(['0: record_undecodable']);
    expect(asked).toEqual([1]);
  });

  it('a topic whose records begin with no numbers does not ask the registry once a record', async () => {
    const records = Array.from({ length: 1500 }, (_, i) => {
      const value = Buffer.from(good);
      value.writeUInt32BE(0x02000000 + i, 1);
      return { value };
    });
    let asked = 0;
    const lookup = () => {
      asked += 1;
      return Promise.resolve(undefined);
    };
    const landed = await land(tables, records, { schemas: () => lookup });
    expect(landed.result.quarantineReasons).toEqual({
      [`${tables[0]!.spec.name}_quarantine`]: { schema_unknown: 1500 },
    });
    expect(asked).toBe(1000);
  });

  it('a registry that is down stops the split instead of quarantining what it could have told', async () => {
    const down = (): Promise<never> => Promise.reject(new Error('down'));
    await expect(land(tables, [{ value: good }], { schemas: () => down })).rejects.toThrow('down');
  });
});
