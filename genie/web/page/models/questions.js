// Questions with numbers, answers as promises: what models behind a worker and a server share.

export class Questions {
  /** @param {object} world the record world.json */
  constructor(world) {
    Object.assign(this, { world, waiting: new Map(), number: 0 });
  }

  /** Send a question, by `this.send`, and return the promise of its answer. */
  ask(task, values) {
    const number = ++this.number;
    const answer = this.expect(number);
    this.send(number, task, values);
    return answer;
  }

  /** Return the promise of the answer with a number. */
  expect(number) {
    return new Promise((resolve, reject) => this.waiting.set(number, { resolve, reject }));
  }

  answer(number, result, error) {
    const { resolve, reject } = this.waiting.get(number);
    this.waiting.delete(number);
    if (error) reject(new Error(error));
    else resolve(result);
  }

  /** Answer everything that is open with an error. */
  fail(error) {
    for (const number of [...this.waiting.keys()]) this.answer(number, null, error);
  }
}
