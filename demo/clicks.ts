import { partitionOf } from '../common/zone.js';
import { noise } from './noise.js';

/** One record of the demo's stat log, and where it must end up. */
export interface ClickRecord {
  value: Buffer;
  /** `dt/hh` of a good record, or the reason for which it goes to the quarantine. */
  expected: { partition: string } | { reason: string };
}

export interface ClickOptions {
  count: number;
  /** First and last instant of the events, ms. */
  fromMs: number;
  toMs: number;
  zone: string;
  seed: number;
}

const LESSONS = [
  '一次函数',
  '勾股定理',
  '现在完成时',
  '文言文阅读',
  '化学平衡',
  '力与运动',
  '概率初步',
  '古诗词鉴赏',
];
const CITIES = ['北京', '上海', '成都', '西安', '哈尔滨', '乌鲁木齐', '昆明', '广州'];
const ACTIONS = ['播放', '暂停', '提交作业', '举手', '点赞', '收藏'];

/** A stat log as an education company writes it: one event a line, a few late, one in a thousand broken. */
export function* clicks(options: ClickOptions): Generator<ClickRecord> {
  const random = noise(options.seed);
  const pick = <T>(items: T[]): T => items[Math.floor(random() * items.length)]!;
  const span = options.toMs - options.fromMs;
  for (let i = 0; i < options.count; i++) {
    const late = random() < 0.01 ? random() * span : 0;
    const at = Math.max(options.fromMs, Math.floor(options.fromMs + (span * i) / options.count - late));
    const event = {
      '@timestamp': new Date(at).toISOString(),
      // Snowflake ids do not fit a float: they come out of Hive as they went in, or the demo fails.
      event_id: `${9_007_199_254_740_993n + BigInt(options.seed) * 10_000_000n + BigInt(i)}`,
      uid: 1_000_000 + Math.floor(random() * 500_000),
      action: pick(ACTIONS),
      score: (Math.floor(random() * 10_000) / 100).toFixed(2),
      vip: random() < 0.2,
      props: { lesson: pick(LESSONS), city: pick(CITIES), position_ms: Math.floor(random() * 2_700_000) },
      ua: 'Mozilla/5.0 (Linux; Android 14; 学习平板) AppleWebKit/537.36',
      trace: `${i.toString(16).padStart(12, '0')}${Math.floor(random() * 4_294_967_296).toString(16)}`,
    };
    yield i % 1_000 === 500 ? broken(event, (i / 1_000) | 0) : good(event, at, options.zone);
  }
}

function good(event: object, at: number, zone: string): ClickRecord {
  const { dt, hh } = partitionOf(at, zone, 'hour');
  return { value: Buffer.from(JSON.stringify(event)), expected: { partition: `${dt}/${hh!}` } };
}

function broken(event: Record<string, unknown>, kind: number): ClickRecord {
  const text = JSON.stringify(event);
  switch (kind % 4) {
    case 0: // a shipper that was killed in the middle of a line
      return { value: Buffer.from(text.slice(0, text.length / 2)), expected: { reason: 'invalid_json' } };
    case 1: // a client that sends a name where the id belongs
      return {
        value: Buffer.from(JSON.stringify({ ...event, uid: '匿名用户' })),
        expected: { reason: 'value_does_not_fit' },
      };
    case 2: {
      const { '@timestamp': _time, ...rest } = event;
      return { value: Buffer.from(JSON.stringify(rest)), expected: { reason: 'missing_event_time' } };
    }
    default: // a log written in GBK
      return {
        value: Buffer.concat([
          Buffer.from('{"action":"'),
          Buffer.from([0xb2, 0xa5, 0xb7, 0xc5]),
          Buffer.from('"}'),
        ]),
        expected: { reason: 'invalid_utf8' },
      };
  }
}
