// A map of what was seen: dynamics/token_map.py.

const ROW = 1 << 20; // between the keys of two rows of the world
const SAME_SCENE = 0.5;
const UNSURE = 0.04;

/** What all maps of a world share. */
export class MapLayout {
  /** @param {object} world the record world.json, with its `map`: moves and fixed */
  constructor({ grid: [rows, columns], codes, map: { moves, fixed } }) {
    const still = new Set(fixed);
    this.unknown = codes;
    const numbers = [...Array(rows * columns).keys()];
    const places = numbers.map((n) => [Math.floor(n / columns), n % columns]);
    this.keys = places.map(([row, column]) => row * ROW + column);
    this.follows = numbers.filter((n) => !still.has(n));
    [this.shifts, this.entering, this.staying] = [[], [], []];
    for (const [down, right] of [...moves, [0, 0]]) { // the last: none given
      const stays = [];
      for (const now of this.follows) {
        const [row, column] = [places[now][0] + down, places[now][1] + right];
        const before = row * columns + column;
        const inside = row >= 0 && row < rows && column >= 0 && column < columns;
        if (inside && !still.has(before)) stays.push([before, now]);
      }
      const kept = new Set(stays.map(([, now]) => now));
      this.shifts.push(down * ROW + right);
      this.entering.push(this.follows.filter((n) => !kept.has(n)));
      this.staying.push(stays);
    }
  }

  /** Return how well each action, and none, explains one frame after another. */
  fits(before, now) {
    return this.staying.map((pairs) =>
      pairs.filter(([from, to]) => before[from] === now[to]).length / pairs.length);
  }
}

/** The last token seen at each position of the world. */
export class TokenMap {
  constructor(layout) {
    Object.assign(this, { layout, cells: new Map(), painted: new Set(), at: 0, last: null });
  }

  /** Return what is known of the tokens that an action brings into the picture, K elsewhere. */
  recall(action) {
    const { layout, cells } = this;
    const tokens = new Int32Array(layout.keys.length).fill(layout.unknown);
    const at = this.at + layout.shifts[action];
    for (const n of layout.entering[action]) {
      tokens[n] = cells.get(layout.keys[n] + at) ?? layout.unknown;
    }
    return tokens;
  }

  /** Enter a frame, the action that led to it, and whether it was changed by hand. */
  observe(ids, action, edited = false) {
    const { layout, cells, painted } = this;
    if (this.last) this.#move(ids, action);
    this.last = ids;
    const seen = layout.follows.map((n) => [layout.keys[n] + this.at, ids[n]]);
    if (edited) {
      for (const [key, id] of seen) if ((cells.get(key) ?? id) !== id) painted.add(key);
      const hidden = seen.filter(([key]) => painted.has(key)).length;
      if (2 * hidden > seen.length) this.#forget();
    }
    for (const [key, id] of seen) cells.set(key, id);
  }

  /** Move on as the frame shows: a key may be blocked. */
  #move(ids, action) {
    const { shifts } = this.layout;
    const fits = this.layout.fits(this.last, ids);
    let chosen = fits[action] >= fits.at(-1) ? action : shifts.length - 1;
    const best = fits.indexOf(Math.max(...fits));
    if (fits[best] > fits[chosen] + UNSURE) chosen = best;
    this.at += shifts[chosen];
    if (fits[chosen] < SAME_SCENE) this.#forget();
  }

  #forget() {
    this.cells.clear();
    this.painted.clear();
  }
}
