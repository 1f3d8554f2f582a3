// MaskGIT sampling of one new frame: dynamics/sampler.py, with its float32 roundings.

const round = Math.fround;

/** Return how many tokens are still masked after `step` + 1 of `steps`. */
export function tokensLeft(step, steps, tokens) {
  const progress = (step + 1) / steps;
  if (progress >= 1) return 0;
  const angle = round(round(round(progress) * round(Math.PI)) / 2);
  return Math.floor(round(round(Math.cos(angle)) * tokens));
}

/**
 * Sample a code by inverting the cumulative distribution.
 *
 * @param {Float32Array} logits of one token, (K,)
 * @param {number} temperature divides them; 0 takes the likeliest code
 * @param {number} uniform in [0, 1)
 * @returns {[number, number]} the code and its probability
 */
export function sampleCode(logits, temperature, uniform) {
  const scale = temperature > 0 ? round(temperature) : 1;
  const codes = logits.length;
  const chances = new Float32Array(codes);
  let most = -Infinity;
  let best = 0;
  for (let k = 0; k < codes; k++) {
    chances[k] = logits[k] / scale;
    if (chances[k] > most) [most, best] = [chances[k], k];
  }
  let sum = 0;
  for (let k = 0; k < codes; k++) {
    chances[k] = Math.exp(round(chances[k] - most));
    sum += chances[k];
  }
  sum = round(sum);
  if (temperature <= 0) return [best, round(chances[best] / sum)];
  // torch adds up in float64 and rounds every sum to float32.
  const cumulative = new Float32Array(codes);
  let total = 0;
  for (let k = 0; k < codes; k++) {
    chances[k] /= sum;
    total += chances[k];
    cumulative[k] = total;
  }
  const target = round(uniform * cumulative[codes - 1]);
  let code = cumulative.findIndex((value) => value > target);
  if (code < 0) code = codes - 1;
  return [code, chances[code]];
}

/** Return how unsure a token is by its logits (K,), in nats. */
function entropyOf(logits) {
  const most = logits.reduce((a, b) => Math.max(a, b));
  const chances = logits.map((logit) => Math.exp(round(logit - most)));
  const sum = round(chances.reduce((a, b) => a + b, 0));
  let total = 0;
  for (const chance of chances) {
    const share = round(chance / sum);
    if (share > 0) total -= share * Math.log(share);
  }
  return round(total);
}

/** Return the rank by which tokens are kept first. */
function rankOf(chance, jitter, progress, order) {
  if (order === "random") return jitter;
  const inside = Math.min(Math.max(jitter, round(1e-6)), round(1 - 1e-6));
  const gumbel = -round(Math.log(-round(Math.log(inside))));
  const annealed = round(round(1 - progress) * gumbel);
  return round(round(Math.log(Math.max(chance, round(1e-9)))) + annealed);
}

/** Let the masked token that is least sure be among the first to be kept. */
function anchor(masked, logits, codes) {
  const unsure = masked.map(({ n }) => entropyOf(logits.subarray(n * codes, (n + 1) * codes)));
  const least = unsure.indexOf(unsure.reduce((a, b) => Math.max(a, b), -Infinity));
  if (least >= 0) masked[least].rank = Infinity;
}

/**
 * Do one refinement step: sample a code for every masked token and keep as many as the cosine
 * schedule says.
 *
 * @param {Int32Array} ids (N,), K where masked; changed in place
 * @param {Float32Array} logits (N, K)
 * @param {Float32Array} noise (M, 2, N)
 * @param {number} step 0 … M−1
 * @param {{steps: number, order: string, temperature: number}} settings
 */
export function refine(ids, logits, noise, step, settings) {
  const tokens = ids.length;
  const codes = logits.length / tokens;
  const base = step * 2 * tokens;
  const progress = (step + 1) / settings.steps;
  const masked = [];
  for (let n = 0; n < tokens; n++) {
    if (ids[n] !== codes) continue;
    const row = logits.subarray(n * codes, (n + 1) * codes);
    const [code, chance] = sampleCode(row, settings.temperature, noise[base + n]);
    const rank = rankOf(chance, noise[base + tokens + n], progress, settings.order);
    masked.push({ n, code, rank });
  }
  if (settings.order === "anchored") anchor(masked, logits, codes);
  const kept = tokens - masked.length;
  const keep = Math.max(tokens - tokensLeft(step, settings.steps, tokens) - kept, 0);
  masked.sort((a, b) => b.rank - a.rank || a.n - b.n);
  for (const { n, code } of masked.slice(0, keep)) ids[n] = code;
}
