// The models in the browser as the page sees them: questions to worker.js, answers as promises.

import { Questions } from "./questions.js";

const PROVIDERS = { webgpu: "WebGPU", wasm: "WASM" };

export class Remote extends Questions {
  /** @returns {Promise<{provider: string}>} what computes, as the corner shows it */
  async load(backend) {
    // From a blob, so that the page's content-security policy binds the worker, too.
    const script = `import ${JSON.stringify(new URL("../worker.js", import.meta.url).href)};`;
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    this.worker = new Worker(url, { type: "module" });
    this.worker.onmessage = ({ data }) => this.answer(data.number, data.result, data.error);
    this.worker.onerror = (event) => this.fail(event.message);
    const { provider } = await this.ask("load", { world: this.world, backend });
    return { provider: PROVIDERS[provider] };
  }

  /** Begin a session with the tokens of a prompt; returns its picture, as the next two do. */
  start({ ids }, seed) {
    return this.restore({ line: [{ ids, action: this.world.actions.length }], start: 0 }, seed);
  }

  /** Draw tokens by themselves; the models leave where they stood. */
  look(ids) {
    return this.start({ ids }, 0);
  }

  /** Go to a record of a Session. */
  goTo(session, head) {
    return this.restore(session.history(head), session.start.seed);
  }

  restore(history, seed) {
    return this.ask("restore", { ...history, seed });
  }

  /** Sample the next frame: its ids, picture and milliseconds. */
  step(action, settings) {
    return this.ask("step", { action, settings });
  }

  /** Return the ids of a picture, RGB of the world's size. */
  encode(picture) {
    return this.ask("encode", { picture });
  }

  send(number, task, values) {
    this.worker.postMessage({ number, task, ...values });
  }
}
