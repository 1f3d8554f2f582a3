// Plays a page's world with onnxruntime-web's WASM as stdin says; prints the tokens of each frame.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const page = pathToFileURL(`${process.argv[2]}/`);
const ort = await import(new URL("runtime/ort.wasm.bundle.min.mjs", page));
ort.env.wasm.wasmBinary = readFileSync(new URL("runtime/ort-wasm-simd-threaded.wasm", page));
Object.assign(ort.env.wasm, { numThreads: 1 });
ort.env.logLevel = "error";
const { Engine } = await import(new URL("models/engine.js", page));
const { Player } = await import(new URL("player.js", page));
const { Remote } = await import(new URL("models/remote.js", page));

const world = JSON.parse(readFileSync(new URL("world/world.json", page)));
const read = async (name) => new Uint8Array(readFileSync(new URL(`world/${name}`, page)));
const engine = await Engine.load(ort, world, read, "wasm");
const models = Object.assign(Object.create(Remote.prototype), { // without its worker
  world,
  restore: async ({ line, start, seen }, seed) => (
    { picture: await engine.restore(line, start, seed, seen) }),
  step: (action, settings) => engine.step(action, settings),
});
const player = new Player(models, world);
const { seed, deeds } = JSON.parse(readFileSync(0, "utf8"));
await player.start({ number: 0, ids: world.prompts[0].ids }, seed);
const frames = [];
for (const { settings, fade, action, edit, truth, back } of deeds) {
  if (settings) Object.assign(player.settings, settings);
  if (fade) player.fadeTo(fade);
  if (action !== undefined) await player.step(action);
  if (edit) await player.edit(edit);
  if (back) player.goTo(player.session.line(player.head).at(-1 - back));
  const { ids, picture } = player.frame;
  frames.push({ ids: [...ids], picture: [...picture] });
  // Teacher-forced: the next frame follows the true one.
  if (truth) engine.pending.ids = player.frame.ids = truth;
}
console.log(JSON.stringify(frames));
