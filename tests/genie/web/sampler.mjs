// Draws with the page's modules what a test asks for on stdin.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const models = pathToFileURL(`${process.argv[2]}/models/`);
const { drawNoise } = await import(new URL("generator.js", models));
const { refine, tokensLeft } = await import(new URL("sampler.js", models));
const { rotaryMatrix } = await import(new URL("history.js", models));
const tasks = {
  noise: (args) => [...drawNoise(...args)],
  left: ([steps, tokens]) => Array.from({ length: steps }, (_, i) => tokensLeft(i, steps, tokens)),
  rotation: (args) => [...rotaryMatrix(...args)],
  sample({ logits, seed, frame, settings }) {
    const tokens = logits[0].length;
    const codes = logits[0][0].length;
    const noise = drawNoise(seed, frame, settings.steps, tokens);
    const ids = new Int32Array(tokens).fill(codes);
    for (let i = 0; i < settings.steps; i++) {
      refine(ids, Float32Array.from(logits[i].flat()), noise, i, settings);
    }
    return [...ids];
  },
};
const asked = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(asked.map(([task, args]) => tasks[task](args))));
