import { BSON, Long, type Collection, type Document } from 'mongodb';
import { noise } from '../noise.js';
import { oplogJson, type OutRecord } from './records.js';

type Cart = Document & { _id: string };

/** Shopping carts in MongoDB, and for each change the oplog entry that MongoShake would send. */
export class Carts {
  private readonly random: () => number;
  private ids: string[] = [];
  private second = 0;
  private increment = 0;

  constructor(
    private readonly collection: Collection<Cart>,
    seed: number,
  ) {
    this.random = noise(seed);
  }

  /** What was there before anybody kept a log. */
  async open(count: number): Promise<void> {
    await this.collection.insertMany(Array.from({ length: count }, () => this.newCart()));
  }

  /** One change of a cart: a new one, one member, one element, a removed member, the whole document, or its end. */
  async shop(): Promise<OutRecord> {
    const dice = this.random();
    const at = Math.floor(this.random() * this.ids.length);
    const id = this.ids[at];
    if (dice < 0.25 || id === undefined) return this.insert();
    if (dice < 0.85) return this.update(id, dice);
    this.ids.splice(at, 1);
    await this.collection.deleteOne({ _id: id });
    return this.entry('d', { _id: id });
  }

  /** All documents as canonical extended JSON, by `_id`. */
  async dump(): Promise<Map<string, string>> {
    const found = await this.collection.find({}, { promoteValues: false, promoteLongs: false }).toArray();
    return new Map(found.map((document) => [idOf(document), ejson(document)]));
  }

  private async insert(): Promise<OutRecord> {
    const cart = this.newCart();
    await this.collection.insertOne(cart);
    return this.entry('i', cart);
  }

  private async update(id: string, dice: number): Promise<OutRecord> {
    if (dice < 0.6) {
      const quantity = Math.floor(this.random() * 100);
      const member = dice < 0.45 ? 'items.0.qty' : 'total';
      const change = {
        $set: { [member]: member === 'total' ? Long.fromNumber(quantity * 1_000) : quantity },
      };
      await this.collection.updateOne({ _id: id }, change);
      return this.entry('u', { $v: 1, ...change }, { _id: id });
    }
    if (dice < 0.7) {
      const change = { $unset: { coupon: true } };
      await this.collection.updateOne({ _id: id }, { $unset: { coupon: '' } });
      return this.entry('u', { $v: 1, ...change }, { _id: id });
    }
    const cart = { ...this.newCart(), _id: id };
    this.ids.pop();
    await this.collection.replaceOne({ _id: id }, cart);
    return this.entry('u', cart, { _id: id });
  }

  private newCart(): Cart {
    const id = `cart-${Math.floor(this.random() * 1e12).toString(36)}`;
    this.ids.push(id);
    return {
      _id: id,
      user: { id: Long.fromString('9007199254740993').add(Math.floor(this.random() * 1e6)), name: '用户😀' },
      items: Array.from({ length: 1 + Math.floor(this.random() * 3) }, (_, i) => ({
        sku: `sku-${i}`,
        qty: i + 1,
        weight: 0.5 * i + 0.25,
      })),
      coupon: this.random() < 0.5 ? 'SPRING' : null,
      total: Long.fromNumber(Math.floor(this.random() * 1e9)),
      at: new Date(),
    };
  }

  private entry(op: 'i' | 'u' | 'd', o: Document, o2?: Document): OutRecord {
    const seconds = Math.floor(Date.now() / 1000);
    this.increment = seconds === this.second ? this.increment + 1 : 1;
    this.second = seconds;
    const { increment } = this;
    const id = String((o2 ?? o)['_id']);
    const { dbName, collectionName } = this.collection;
    return oplogJson({
      ...{ seconds, increment, op, key: id },
      ns: `${dbName}.${collectionName}`,
      o: ejson(o),
      ...(o2 && { o2: ejson(o2) }),
    });
  }
}

function idOf(document: Document): string {
  return String(document['_id']);
}

const ejson = (document: Document): string => BSON.EJSON.stringify(document, { relaxed: false });
