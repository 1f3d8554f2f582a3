// The rolling cache of keys and values: spacetime/cache.py and spacetime/rotary.py.

const BASE = 100;

/** Return the rotation of one frame, float32 (d, d): spacetime.rotary.rotary_matrix. */
export function rotaryMatrix(position, d) {
  const matrix = new Float32Array(d * d);
  const half = d / 2;
  for (let i = 0; i < half; i++) {
    const angle = position * BASE ** (-(2 * i) / d);
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    matrix[i * d + i] = cos;
    matrix[i * d + half + i] = sin;
    matrix[(half + i) * d + i] = -sin;
    matrix[(half + i) * d + half + i] = cos;
  }
  return matrix;
}

/** The frames that a stack of layers has seen, as the graphs take them. */
export class History {
  /**
   * @param {object} ort onnxruntime-web
   * @param {{slots: number, head_dim: number}} record of world.json
   * @param {number[]} shape of keys and values: (L, 1, N, heads, W−1, head_dim)
   */
  constructor(ort, record, shape) {
    Object.assign(this, { ort, record, shape, keys: null, values: null });
    this.restart(0);
  }

  /** Forget all frames; the next one has this number. */
  restart(start) {
    this.start = start;
    this.count = 0;
    const size = this.shape.reduce((a, b) => a * b, 1);
    this.write(...[0, 1].map(() => this.#tensor(new Float32Array(size), this.shape)));
    this.count = 0;
  }

  get position() {
    return this.start + this.count;
  }

  /** Return the inputs of the next frame. */
  inputs() {
    const { slots, head_dim: d } = this.record;
    const bias = new Float32Array(slots + 1);
    for (let slot = 0; slot < slots; slot++) {
      const age = (((this.position - 1 - slot) % slots) + slots) % slots;
      bias[slot] = age < this.count ? 0 : -Infinity;
    }
    const mine = new Float32Array(slots);
    mine[this.position % slots] = 1;
    return {
      keys: this.keys,
      values: this.values,
      bias: this.#tensor(bias, [slots + 1]),
      rotation: this.#tensor(rotaryMatrix(this.position, d), [d, d]),
      slot: this.#tensor(mine, [slots]),
    };
  }

  /** Take the keys and values with the next frame among them. */
  write(keys, values) {
    this.keys?.dispose();
    this.values?.dispose();
    Object.assign(this, { keys, values });
    this.count += 1;
  }

  #tensor(data, shape) {
    return new this.ort.Tensor("float32", data, shape);
  }
}
