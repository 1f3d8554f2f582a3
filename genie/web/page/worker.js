// The models, in a thread of their own, so that the page stays responsive.

import { Engine } from "./models/engine.js";

const RUNTIMES = { webgpu: "ort.webgpu.bundle.min.mjs", wasm: "ort.wasm.bundle.min.mjs" };
const BINARIES = {
  webgpu: "ort-wasm-simd-threaded.asyncify.wasm",
  wasm: "ort-wasm-simd-threaded.wasm",
};
const here = new URL("./", import.meta.url);
let engine;

/** Fetch a file of the world and tell the page how far it is. */
async function read(name) {
  const answer = await fetch(new URL(`world/${name}`, here));
  if (!answer.ok) throw new Error(`the world's file ${name} is missing (${answer.status})`);
  return new Uint8Array(await answer.arrayBuffer());
}

async function hasGpu() {
  try {
    return Boolean(await navigator.gpu?.requestAdapter());
  } catch {
    return false;
  }
}

async function start(provider, world) {
  const ort = await import(new URL(`runtime/${RUNTIMES[provider]}`, here));
  ort.env.wasm.wasmPaths = {
    wasm: new URL(`runtime/${BINARIES[provider]}`, here).href,
  };
  // Threads need a page that is isolated from others; most servers do not isolate.
  const cores = Math.max(1, Math.min(4, (navigator.hardwareConcurrency ?? 2) - 1));
  ort.env.wasm.numThreads = self.crossOriginIsolated && provider === "wasm" ? cores : 1;
  ort.env.logLevel = "error";
  engine = await Engine.load(ort, world, read, provider);
  // One frame, thrown away: a GPU compiles its programs in the first.
  await engine.restore([{ ids: world.prompts[0].ids, action: engine.noAction }], 0, 0);
  await engine.step(world.idle, world.settings);
}

const TASKS = {
  async load({ world, backend }) {
    let provider = backend ?? ((await hasGpu()) ? "webgpu" : "wasm");
    try {
      await start(provider, world);
    } catch (error) {
      if (provider === "wasm") throw error;
      provider = "wasm"; // a GPU that cannot do it: what always works
      await start(provider, world);
    }
    return { provider };
  },
  async restore({ line, start, seed, seen }) {
    return { picture: await engine.restore(line, start, seed, seen) };
  },
  async step({ action, settings }) {
    const begin = performance.now();
    const made = await engine.step(action, settings);
    return { ...made, milliseconds: performance.now() - begin };
  },
  async encode({ picture }) {
    return { ids: await engine.encode(picture) };
  },
};

// One task after the other: the models have one history.
let last = Promise.resolve();
self.onmessage = ({ data: { number, task, ...values } }) => {
  last = last.then(async () => {
    try {
      self.postMessage({ number, result: await TASKS[task](values) });
      if (task === "step") await engine.commitPending();
    } catch (error) {
      self.postMessage({ number, error: String(error?.message ?? error) });
    }
  });
};
