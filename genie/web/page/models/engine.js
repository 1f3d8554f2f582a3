// The world that is played: genie/world.py on the graphs of `genie export --web`.

import { drawNoise } from "./generator.js";
import { History } from "./history.js";
import { refine } from "./sampler.js";
import { MapLayout, TokenMap } from "./token-map.js";

const WEIGHTS = "weights.bin";
export const GRAPHS = ["draft", "commit", "decode", "encode"];

export class Engine {
  /**
   * Make sessions of the graphs.
   *
   * @param {object} ort onnxruntime-web
   * @param {object} world the record world.json
   * @param {(name: string) => Promise<Uint8Array>} read returns a file of the world
   * @param {string} provider "wasm" or "webgpu"
   */
  static async load(ort, world, read, provider) {
    const weights = await read(WEIGHTS);
    const sessions = {};
    for (const name of GRAPHS) {
      const options = {
        executionProviders: [provider],
        graphOptimizationLevel: "all",
        logSeverityLevel: 3, // errors
        externalData: [{ path: WEIGHTS, data: weights }],
      };
      if (provider === "webgpu" && "slot" in world.graphs[name]) { // what writes a cache
        options.preferredOutputLocation = { new_keys: "gpu-buffer", new_values: "gpu-buffer" };
      }
      sessions[name] = await ort.InferenceSession.create(await read(`${name}.onnx`), options);
    }
    return new Engine(ort, world, sessions);
  }

  constructor(ort, world, sessions) {
    Object.assign(this, { ort, world, sessions });
    this.tokens = world.grid[0] * world.grid[1];
    this.noAction = world.actions.length;
    this.histories = {};
    for (const [name, graph] of [["dynamics", "draft"], ["decoder", "decode"]]) {
      const keys = world.graphs[graph].keys;
      if (keys) {
        this.histories[name] = new History(ort, world.histories[name], keys.shape);
      }
    }
    this.layout = world.map ? new MapLayout(world) : null;
    this.map = null; // of what was seen, if the world keeps one
    this.pending = null; // what is still to be committed
    this.seed = 0;
  }

  /** How many frames the next one depends on. */
  get memory() {
    return Math.max(...Object.values(this.world.histories).map((history) => history.memory));
  }

  /**
   * Go on after a history as if it had just been played.
   *
   * @param {{ids: number[], action: number}[]} line its frames, with the action that led to each
   * @param {number} start number of its first frame
   * @param {number} seed of everything sampled from here on
   * @param {{ids: number[], action: number, edited: boolean}[]} seen what a map is made of: the
   *   frames before, and the first one of the line if it was edited
   * @returns {Promise<Uint8Array>} the last frame, RGB
   */
  async restore(line, start, seed, seen = []) {
    const first = Math.max(0, line.length - this.memory);
    this.seed = seed;
    this.pending = null;
    this.map = this.layout && new TokenMap(this.layout);
    for (const frame of [...seen, ...line.slice(0, first)]) {
      this.map?.observe(frame.ids, frame.action, frame.edited);
    }
    for (const history of Object.values(this.histories)) history.restart(start + first);
    let picture;
    for (const frame of line.slice(first)) {
      await this.commitPending();
      this.pending = frame;
      if (this.histories.decoder) picture = await this.decode(frame.ids);
    }
    return picture ?? (await this.decode(line.at(-1).ids));
  }

  /**
   * Sample the next frame.
   *
   * @param {number} action
   * @param {{steps: number, order: string, temperature: number}} settings
   * @returns {Promise<{ids: Int32Array, picture: Uint8Array}>}
   */
  async step(action, settings) {
    await this.commitPending();
    const frame = this.histories.dynamics.position;
    const noise = drawNoise(this.seed, frame, settings.steps, this.tokens);
    const ids = new Int32Array(this.tokens).fill(this.world.codes);
    for (let step = 0; step < settings.steps; step++) {
      refine(ids, await this.draft(ids, action), noise, step, settings);
    }
    this.pending = { ids, action };
    return { ids, picture: await this.decode(ids) };
  }

  /** Commit the last frame, if it is not yet: once it is shown, there is time. */
  async commitPending() {
    if (!this.pending) return;
    const { ids, action } = this.pending;
    this.pending = null;
    const history = this.histories.dynamics;
    const made = await this.#run("commit", { ...this.#frame(ids, action), ...history.inputs() });
    history.write(made.new_keys, made.new_values);
    this.map?.observe(ids, action);
  }

  /** Return the logits (N, K) of a frame, masked where ids are K. */
  async draft(ids, action) {
    const inputs = { ...this.#frame(ids, action), ...this.histories.dynamics.inputs() };
    if (this.map) inputs.recalled = this.#ids(this.map.recall(action));
    return (await this.#run("draft", inputs)).logits.data;
  }

  /** Return the next frame's picture, RGB. */
  async decode(ids) {
    const history = this.histories.decoder;
    const made = await this.#run("decode", { ids: this.#ids(ids), ...history?.inputs() });
    if (history) history.write(made.new_keys, made.new_values);
    return made.picture.data;
  }

  /** Return the tokens of a picture, RGB of the world's size. */
  async encode(picture) {
    const shape = [1, this.world.height, this.world.width, 3];
    const made = await this.#run("encode", {
      picture: new this.ort.Tensor("uint8", picture, shape),
    });
    return Int32Array.from(made.ids.data, Number);
  }

  #frame(ids, action) {
    const actions = new this.ort.Tensor("int64", BigInt64Array.of(BigInt(action)), [1]);
    return { ids: this.#ids(ids), action: actions };
  }

  #ids(ids) {
    return new this.ort.Tensor("int64", BigInt64Array.from(ids, BigInt), [1, ids.length]);
  }

  /** Run a graph on those of the inputs that it takes. */
  #run(name, inputs) {
    const taken = Object.keys(this.world.graphs[name]).map((key) => [key, inputs[key]]);
    return this.sessions[name].run(Object.fromEntries(taken));
  }
}
