import { message as bytes, number } from '../../../demo/mirror/protobuf.js';

/* A small writer of Drainer's protobuf, so that tests can make bytes that no fixture has. */

/** Values of a row. */
export const cell = {
  null: (): Buffer => number(1, 1),
  int: (value: bigint | number): Buffer => number(2, value),
  uint: (value: bigint): Buffer => number(3, value),
  double: (value: number): Buffer => {
    const content = Buffer.alloc(9, (4 << 3) | 1);
    content.writeDoubleLE(value, 1);
    return content;
  },
  bytes: (value: Buffer): Buffer => bytes(5, value),
  text: (value: string): Buffer => bytes(6, value),
  bytesAsText: (value: Buffer): Buffer => bytes(6, value),
};

export const row = (cells: Buffer[]): Buffer => Buffer.concat(cells.map((content) => bytes(1, content)));

export const mutation = (type: number, image: Buffer, before?: Buffer): Buffer =>
  Buffer.concat([
    number(1, type),
    bytes(2, image),
    before === undefined ? Buffer.alloc(0) : bytes(3, before),
  ]);

export const column = (name: string, type: string, primary = false): Buffer =>
  Buffer.concat([bytes(1, name), bytes(2, type), number(3, primary ? 1 : 0)]);

export const tableMessage = (
  database: string,
  table: string,
  columns: Buffer[],
  mutations: Buffer[],
): Buffer =>
  Buffer.concat([
    bytes(1, database),
    bytes(2, table),
    ...columns.map((content) => bytes(3, content)),
    ...mutations.map((content) => bytes(4, content)),
  ]);

export const binlog = (tables: Buffer[], commitTs = 448069946605043719n): Buffer =>
  Buffer.concat([
    number(1, 0),
    number(2, commitTs),
    bytes(3, Buffer.concat(tables.map((table) => bytes(1, table)))),
  ]);
