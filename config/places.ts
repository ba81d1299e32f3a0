import type { Path, Span } from './source.js';

interface Place {
  key?: Span;
  value?: Span;
  /** The text came from a reference, so a number or boolean may be meant. */
  interpolated?: boolean;
}

interface Node {
  place: Place;
  children: Map<string | number, Node>;
}

const node = (): Node => ({ place: {}, children: new Map() });

/** Where in the file the parts of the document stand. */
export class Places {
  readonly #root = node();

  set(path: Path, place: Place): void {
    Object.assign(this.#reach(path).place, place);
  }

  /** The value at a path, or else the nearest thing that encloses it. */
  value(path: Path): Span {
    const own = this.#find(path)?.place;
    const span = own?.value ?? own?.key;
    if (span) return span;
    for (let length = path.length - 1; length >= 0; length--) {
      const place = this.#find(path.slice(0, length))?.place;
      // What encloses a missing value is named by its key: the whole map would mark many lines.
      const outer = place?.key ?? place?.value;
      if (outer) return outer;
    }
    return [0, 0];
  }

  /** The key at a path, or else its value. */
  key(path: Path): Span {
    return this.#find(path)?.place.key ?? this.value(path);
  }

  isInterpolated(path: Path): boolean {
    return this.#find(path)?.place.interpolated === true;
  }

  /** Lets everything at and under `from` also be found at `to`, unless something stands there already. */
  alias(from: Path, to: Path): void {
    const source = this.#find(from);
    if (source) copy(source, this.#reach(to));
  }

  #find(path: Path): Node | undefined {
    return path.reduce<Node | undefined>((at, step) => at?.children.get(step), this.#root);
  }

  #reach(path: Path): Node {
    return path.reduce<Node>((at, step) => childOf(at, step), this.#root);
  }
}

function childOf(parent: Node, step: string | number): Node {
  let child = parent.children.get(step);
  if (!child) parent.children.set(step, (child = node()));
  return child;
}

function copy(from: Node, to: Node): void {
  to.place = { ...from.place, ...to.place };
  for (const [step, child] of from.children) copy(child, childOf(to, step));
}
