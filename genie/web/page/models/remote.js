// The models as the page sees them: questions to worker.js, answers as promises.

export class Remote {
  constructor() {
    // From a blob, so that the page's content-security policy binds the worker, too.
    const script = `import ${JSON.stringify(new URL("../worker.js", import.meta.url).href)};`;
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    this.worker = new Worker(url, { type: "module" });
    this.waiting = new Map();
    this.number = 0;
    this.worker.onmessage = ({ data }) => this.#answer(data);
    this.worker.onerror = (event) => {
      for (const { reject } of this.waiting.values()) reject(new Error(event.message));
    };
  }

  load(backend) {
    return this.#ask("load", { backend });
  }

  restore(history, seed) {
    return this.#ask("restore", { ...history, seed });
  }

  step(action, settings) {
    return this.#ask("step", { action, settings });
  }

  encode(picture) {
    return this.#ask("encode", { picture });
  }

  #ask(task, values) {
    return new Promise((resolve, reject) => {
      this.waiting.set(++this.number, { resolve, reject });
      this.worker.postMessage({ number: this.number, task, ...values });
    });
  }

  #answer({ number, result, error }) {
    const { resolve, reject } = this.waiting.get(number);
    this.waiting.delete(number);
    if (error) reject(new Error(error));
    else resolve(result);
  }
}
