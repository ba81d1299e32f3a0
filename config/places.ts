import type { Path, Span } from './source.js';

interface Place {
  key?: Span;
  value?: Span;
  /** The text came from a reference, so a number or boolean may be meant. */
  interpolated?: boolean;
}

/** Where in the file the parts of the document stand. */
export class Places {
  readonly #places = new Map<string, Place>();

  set(path: Path, place: Place): void {
    this.#places.set(id(path), { ...this.#places.get(id(path)), ...place });
  }

  /** The value at a path, or else the nearest thing that encloses it. */
  value(path: Path): Span {
    for (let length = path.length; length >= 0; length--) {
      const place = this.#places.get(id(path.slice(0, length)));
      // What encloses a missing value is named by its key: the whole map would mark many lines.
      const span = length === path.length ? (place?.value ?? place?.key) : (place?.key ?? place?.value);
      if (span) return span;
    }
    return [0, 0];
  }

  /** The key at a path, or else its value. */
  key(path: Path): Span {
    return this.#places.get(id(path))?.key ?? this.value(path);
  }

  isInterpolated(path: Path): boolean {
    return this.#places.get(id(path))?.interpolated === true;
  }

  /** Lets everything at and under `from` also be found at `to`, unless something stands there already. */
  alias(from: Path, to: Path): void {
    const prefix = id(from);
    for (const [key, place] of [...this.#places]) {
      if (key !== prefix && !key.startsWith(`${prefix}\0`)) continue;
      const target = id(to) + key.slice(prefix.length);
      if (!this.#places.has(target)) this.#places.set(target, place);
    }
  }
}

const id = (path: Path): string => ['', ...path].join('\0');
