// A scene that fades in: the edits through which it replaces what is played. As genie/edit.py.

const FRAMES = 8; // as FADE_FRAMES of genie/play/player.py

export class Fade {
  /**
   * @param {number[]} scene its tokens
   * @param {number[]} order in which they come in
   */
  constructor(scene, order) {
    Object.assign(this, { scene, order, left: FRAMES });
  }

  /** Return the next frame's tokens, with those of the scene that are in by then. */
  next(ids) {
    this.left -= 1;
    const done = Math.floor((this.order.length * (FRAMES - this.left)) / FRAMES);
    const changed = Array.from(ids);
    for (const n of this.order.slice(0, done)) changed[n] = this.scene[n];
    return changed;
  }
}
