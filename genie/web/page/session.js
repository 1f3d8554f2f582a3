// The log of a play: a tree of frames, each with all that made it. As genie/session/log.py.

export class Session {
  /** @param {{seed: number, prompt: object, noAction: number, idle: number}} start */
  constructor(start) {
    this.start = start;
    this.frames = [];
  }

  /**
   * Append a frame.
   *
   * @param {{parent: ?number, action: number, ids: number[], picture: Uint8Array,
   *   settings: object, edited: boolean}} frame
   * @returns {number} its record
   */
  append(frame) {
    const depth = frame.parent === null ? 0 : this.frames[frame.parent].depth + 1;
    this.frames.push({ ...frame, depth });
    return this.frames.length - 1;
  }

  /** Return the records that lead to one, itself last. */
  line(head) {
    const records = [];
    for (let at = head; at !== null; at = this.frames[at].parent) records.push(at);
    return records.reverse();
  }

  /**
   * Return the end of a line that frames after it may depend on: it begins with the last edit. What
   * was `seen` before it, and that edit, only a map remembers.
   */
  history(head) {
    const records = this.line(head);
    const first = Math.max(records.findLastIndex((record) => this.frames[record].edited), 0);
    const kept = records.slice(first).map((record) => this.frames[record]);
    // A frame on its own shows no motion that would bear out the action that led to it.
    const from = kept[0].edited ? this.start.idle : kept[0].action;
    return {
      start: kept[0].depth,
      line: kept.map(({ ids, action }, i) => ({ ids, action: i ? action : from })),
      seen: records.slice(0, first + (kept[0].edited ? 1 : 0)).map((record) => {
        const { ids, action, edited } = this.frames[record];
        return { ids, action, edited };
      }),
    };
  }

  /** Return the last record of every branch, the oldest first; what an edit replaced is none. */
  ends() {
    const parents = new Set(this.frames.map((frame) => frame.parent));
    const replaced = new Set();
    const open = new Map(); // by what a frame and an edit of it have in common
    this.frames.forEach(({ parent, action, settings, edited, of }, record) => {
      const origin = [parent, action, settings.steps, settings.temperature].join();
      if (edited) replaced.add(of ?? open.get(origin));
      if (!parents.has(record)) open.set(origin, record);
    });
    return [...this.frames.keys()].filter((at) => !parents.has(at) && !replaced.has(at));
  }
}
