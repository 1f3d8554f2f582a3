// Play without a screen: forward, back, and on from any frame. As genie/play/player.py.

import { Fade } from "./fade.js";
import { Session } from "./session.js";

const KEPT_PICTURES = 3000; // some 40 MB; those of older frames are drawn again

export class Player {
  /**
   * @param {object} models a Remote or a Server
   * @param {object} world the record world.json
   */
  constructor(models, world) {
    Object.assign(this, { models, world });
    this.settings = { ...world.settings };
    this.session = null;
    this.head = 0;
    this.at = null; // the record after which the models stand
    this.undone = []; // records that one step back left
    this.fade = null; // of a scene that comes in
  }

  get frame() {
    return this.session.frames[this.head];
  }

  /** Start a new session. */
  async start(prompt, seed) {
    const { idle, actions } = this.world;
    const session = new Session({ seed, prompt, noAction: actions.length, idle });
    const first = { parent: null, action: actions.length, ids: prompt.ids, edited: false };
    const { picture } = await this.models.start(prompt, seed);
    this.session = session;
    this.goTo(session.append({ ...first, picture, settings: this.settings }));
    this.at = this.head;
  }

  /** Go on with a session that the server kept; its pictures are drawn as they are needed. */
  async resume({ seed, prompt, head, ids, parents, actions, edited, settings, settings_of }) {
    const { idle, actions: all } = this.world;
    const first = { number: prompt, ids: ids[0] };
    this.session = new Session({ seed, prompt: first, noAction: all.length, idle });
    ids.forEach((row, n) => {
      const [parent, action, made] = [parents[n], actions[n], settings[settings_of[n]]];
      const frame = { parent, action, ids: row, picture: null, edited: edited.includes(n) };
      this.session.append({ ...frame, settings: made });
    });
    this.settings = { ...this.session.frames[head].settings };
    this.goTo(head);
    await this.redraw();
  }

  /** Sample the next frame after the head; returns what it took in milliseconds. */
  async step(action) {
    const [session, parent, settings] = [this.session, this.head, { ...this.settings }];
    await this.#goThere();
    const made = await this.models.step(action, settings);
    if (session !== this.session) return null; // started anew meanwhile
    const { ids, picture } = made;
    this.at = this.#append({ parent, action, ids, picture, settings, edited: false });
    if (this.head === parent) {
      this.#show(this.at);
      if (this.fade) await this.#fadeOn();
    }
    return made.milliseconds;
  }

  /** Return the picture that tokens make by themselves; play is not moved. */
  async look(ids) {
    this.at = null; // the models may leave where they stood
    return this.models.look(ids);
  }

  /** Go to a record of the session; the models follow with the next step. */
  goTo(record) {
    this.#show(record);
    this.fade = null;
  }

  back() {
    if (this.frame.parent === null) return false;
    this.undone.push(this.head);
    this.head = this.frame.parent;
    this.fade = null;
    return true;
  }

  /** Undo one step back; returns whether there was one. */
  forward() {
    if (!this.undone.length) return false;
    this.head = this.undone.pop();
    return true;
  }

  /** Go to the end of the next branch; returns its number and how many there are. */
  nextBranch() {
    const ends = this.session.ends();
    const at = Math.max(ends.findIndex((end) => end >= this.head), 0);
    const chosen = (at + 1) % ends.length;
    this.goTo(ends[chosen]);
    return [chosen + 1, ends.length];
  }

  /** Put other tokens into the last frame; the world goes on from the changed frame alone. */
  async edit(ids) {
    const { parent, action, settings } = this.frame;
    const of = this.head;
    this.#show(this.#append({ parent, action, ids, settings, edited: true, of }));
    await this.redraw();
  }

  /** Let a scene come in over the next frames, under the actions that are played meanwhile. */
  fadeTo(ids) {
    this.fade = new Fade(ids, this.world.fade_order);
  }

  async #fadeOn() {
    const { fade } = this;
    await this.edit(fade.next(this.frame.ids));
    if (!fade.left && this.fade === fade) this.fade = null;
  }

  /** Draw the picture of the head again. */
  async redraw() {
    const { frame } = this;
    this.at = null;
    await this.#goThere();
    frame.picture = this.shown;
  }

  #show(record) {
    this.head = record;
    this.undone = [];
  }

  #append(frame) {
    const record = this.session.append(frame);
    if (record > KEPT_PICTURES) this.session.frames[record - KEPT_PICTURES].picture = null;
    return record;
  }

  async #goThere() {
    if (this.at === this.head) return;
    const head = this.head;
    this.shown = (await this.models.goTo(this.session, head)).picture;
    this.at = head;
  }
}
