// The random numbers of play, bit for bit those of dynamics/sampler.py.

const MASK_64 = (1n << 64n) - 1n;
const STATE = 624;
const SHIFT = 397;

/** The Mersenne twister with which torch draws on a CPU. */
export class Generator {
  /** @param {bigint} seed of which torch uses the low 32 bits */
  constructor(seed) {
    this.state = new Uint32Array(STATE);
    this.next = STATE;
    this.state[0] = Number(seed & 0xffffffffn);
    for (let i = 1; i < STATE; i++) {
      const last = this.state[i - 1];
      this.state[i] = Math.imul(1812433253, last ^ (last >>> 30)) + i;
    }
  }

  /** Return the next 32 random bits. */
  bits() {
    if (this.next === STATE) this.#twist();
    let y = this.state[this.next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** Return `count` numbers in [0, 1), as torch.rand does: 24 bits each. */
  rand(count) {
    const numbers = new Float32Array(count);
    for (let i = 0; i < count; i++) numbers[i] = (this.bits() & 0xffffff) / 0x1000000;
    return numbers;
  }

  #twist() {
    const state = this.state;
    for (let i = 0; i < STATE; i++) {
      const mixed = (state[i] & 0x80000000) | (state[(i + 1) % STATE] & 0x7fffffff);
      const twisted = (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
      state[i] = state[(i + SHIFT) % STATE] ^ twisted;
    }
    this.next = 0;
  }
}

/** Return the generator of one frame, so that it can be sampled again by itself. */
export function frameGenerator(seed, frame) {
  let mixed = (BigInt(seed) * 0x9e3779b97f4a7c15n + BigInt(frame) + 1n) & MASK_64;
  for (const [shift, factor] of [[30n, 0xbf58476d1ce4e5b9n], [27n, 0x94d049bb133111ebn]]) {
    mixed = ((mixed ^ (mixed >> shift)) * factor) & MASK_64;
  }
  return new Generator((mixed ^ (mixed >> 31n)) >> 1n);
}

/**
 * Return all uniform numbers of one frame, float32 (M, 2, N): at each step one a token for its
 * code, then one a token for the order in which tokens are kept.
 */
export function drawNoise(seed, frame, steps, tokens) {
  return frameGenerator(seed, frame).rand(steps * 2 * tokens);
}
