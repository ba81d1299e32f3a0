import type { RecordBlock } from '../kafka/types.js';

const START = 1_709_251_200_000;
const EVENTS = ['click', 'view', 'play', 'pay'];

function statEvent(i: number): Record<string, unknown> {
  return {
    '@timestamp': new Date(START + i * 10).toISOString(),
    uid: 9007199254740000 + i,
    event: EVENTS[i % 4],
    page: `/course/${i % 1000}/课程`,
    ip: `10.${i % 256}.${(i >> 8) % 256}.7`,
    ua: 'Mozilla/5.0 (Linux; Android 13; Pixel 7) AppleWebKit/537.36 Mobile',
    ok: i % 3 === 0,
    dur: (i % 10000) / 100,
    price: ((i % 100000) / 100).toFixed(2),
    n: i % 77,
    sid: `s-${(i * 7919) % 1000003}`,
    props: { lesson: `L${i % 500}`, rank: i % 9 },
    pad: 'x'.repeat(22),
  };
}

/** Stat-log events of about 328 bytes. */
export function statLog(count: number): Buffer[] {
  return Array.from({ length: count }, (_, i) => Buffer.from(JSON.stringify(statEvent(i))));
}

/** The same events as Filebeat ships them. */
export function filebeat(count: number): Buffer[] {
  return Array.from({ length: count }, (_, i) =>
    Buffer.from(
      JSON.stringify({
        '@timestamp': new Date(START + i * 10).toISOString(),
        '@metadata': { beat: 'filebeat', type: '_doc', version: '8.12.0' },
        log: { offset: i * 330, file: { path: '/data/log/app.log' } },
        message: JSON.stringify(statEvent(i)),
        input: { type: 'filestream' },
        agent: { id: 'aa-11', type: 'filebeat', version: '8.12.0' },
        host: { name: 'web-01' },
      }),
    ),
  );
}

/** TiCDC updates of a five-column table, about 425 bytes. */
export function canalJson(count: number): Buffer[] {
  return Array.from({ length: count }, (_, i) => {
    const ms = START + i * 10;
    const row = {
      id: String(i),
      uid: String(9007199254740000 + (i % 5000)),
      amt: `${i % 10000}.5000`,
      st: EVENTS[i % 4],
      at: new Date(ms).toISOString().slice(0, 19).replace('T', ' '),
    };
    const change = {
      id: 0,
      database: 'shop',
      table: 'orders',
      pkNames: ['id'],
      isDdl: false,
      type: 'UPDATE',
      es: ms,
      ts: ms + 300,
      sql: '',
      sqlType: { id: -5, uid: -5, amt: 3, st: 12, at: 93 },
      mysqlType: {
        id: 'bigint',
        uid: 'bigint',
        amt: 'decimal',
        st: 'varchar',
        at: 'datetime',
      },
      old: [{ st: 'new' }],
      data: [row],
    };
    const text = JSON.stringify(change);
    return Buffer.from(`${text.slice(0, -1)},"_tidb":{"commitTs":${(BigInt(ms) << 18n) + BigInt(i % 7)}}}`);
  });
}

/** Cuts one record in a thousand in the middle. */
export function breakSome(lines: Buffer[]): Buffer[] {
  return lines.map((line, i) => (i % 1000 === 500 ? line.subarray(0, line.length >> 1) : line));
}

/** Blocks of one partition, 2000 records each, made before anything is measured. */
export function toBlocks(lines: Buffer[]): RecordBlock[] {
  const blocks: RecordBlock[] = [];
  for (let start = 0; start < lines.length; start += 2000) {
    const part = lines.slice(start, start + 2000);
    const count = part.length;
    const block: RecordBlock = {
      partition: 0,
      count,
      bytes: Buffer.concat(part),
      offsets: Float64Array.from(part, (_, i) => start + i),
      timestamps: Float64Array.from(part, (_, i) => START + (start + i) * 10),
      keyStart: new Int32Array(count).fill(-1),
      keyEnd: new Int32Array(count).fill(-1),
      valueStart: new Int32Array(count),
      valueEnd: new Int32Array(count),
    };
    let position = 0;
    part.forEach((line, i) => {
      block.valueStart[i] = position;
      position += line.length;
      block.valueEnd[i] = position;
    });
    blocks.push(block);
  }
  return blocks;
}

/** Blocks as a reader gives them. */
export async function* asStream(blocks: RecordBlock[]): AsyncGenerator<RecordBlock> {
  await Promise.resolve();
  yield* blocks;
}
