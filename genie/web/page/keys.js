// Which key stands for which action: the world's keys, and the player's own changes to them.

const LETTERS = { w: "up", a: "left", s: "down", d: "right" };
const DIRECTIONS = { up: "up", down: "down", left: "left", right: "right", space: "up", ...LETTERS };
const NAMES = {
  ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right", " ": "space",
  Enter: "return", Backspace: "backspace", Tab: "tab", Escape: "escape",
};
const CAPS = { up: "↑", down: "↓", left: "←", right: "→", space: "Space", return: "Enter" };

/** Return the name of a key event's key, as the world's keymap spells it. */
export function keyName(event) {
  return NAMES[event.key] ?? event.key.toLowerCase();
}

/** Return what a key cap shows. */
export function capOf(key) {
  return CAPS[key] ?? (key.length === 1 ? key.toUpperCase() : key);
}

export class Keys {
  /**
   * @param {object} world
   * @param {string[]} commands keys that stand for an action only where the player wants it
   */
  constructor(world, commands = []) {
    Object.assign(this, { world, commands });
    this.place = `genie-keys-${world.name}`;
    this.reset();
    try {
      const saved = JSON.parse(localStorage.getItem(this.place));
      if (saved) this.bound = new Map(Object.entries(saved).filter(([, id]) => world.actions[id]));
    } catch {
      // Unreadable, or not allowed to be read: the world's own keys.
    }
    this.releaseAll();
  }

  /** Return to the world's own keys. */
  reset() {
    this.bound = new Map();
    for (const { id, keys } of this.world.actions) {
      for (const key of keys) if (!this.commands.includes(key)) this.bound.set(key, id);
    }
    for (const [letter, arrow] of Object.entries(LETTERS)) {
      if (!this.bound.has(letter) && this.bound.has(arrow)) {
        this.bound.set(letter, this.bound.get(arrow));
      }
    }
  }

  /** Return the action of a key, or undefined. */
  action(key) {
    if (this.bound.has(key)) return this.bound.get(key);
    return /^\d$/.test(key) && this.world.actions[key] ? Number(key) : undefined;
  }

  keysOf(action) {
    return [...this.bound].filter(([, id]) => id === action).map(([key]) => key);
  }

  /** Give a key to an action; it leaves the one that it had. */
  bind(key, action) {
    this.bound.delete(key);
    this.bound.set(key, action);
    this.save();
  }

  /** Keep the keys in this browser. */
  save() {
    try {
      localStorage.setItem(this.place, JSON.stringify(Object.fromEntries(this.bound)));
    } catch {
      // Then for this visit only.
    }
  }

  press(source) {
    this.release(source);
    this.held.push(source);
    this.tapped = this.#current();
  }

  release(source) {
    this.held = this.held.filter((other) => other !== source);
  }

  /** Forget all keys: a page without focus is not told when they go up. */
  releaseAll() {
    this.held = []; // names of sources, in the order of pressing
    this.tapped = null; // the action of the last key that went down since the last frame
  }

  /**
   * Return the action of the next frame. A key that went down and up again since the last frame
   * still counts for one frame, or a slow world would swallow short presses.
   */
  take() {
    const action = this.tapped ?? this.#current();
    this.tapped = null;
    return action;
  }

  /** Return the action of what is held: two keys together, else the last one pressed. */
  #current() {
    if (!this.held.length) return this.world.idle;
    return this.#together() ?? this.#actionOf(this.held.at(-1)) ?? this.world.idle;
  }

  /** What is held: the name of a key, or "action:3" for a button on the screen. */
  #actionOf(source) {
    return source.startsWith("action:") ? Number(source.slice(7)) : this.action(source);
  }

  /** Return where a source points; a key given to an action that leads elsewhere does not. */
  #directionOf(source) {
    const { name } = this.world.actions[this.#actionOf(source)] ?? {};
    if (source.startsWith("action:")) return DIRECTIONS[name];
    const direction = DIRECTIONS[source];
    const fits = name?.split("-").includes(direction) || (direction === "up" && name === "jump");
    return fits ? direction : undefined;
  }

  /** Return the action that two directions spell, such as up-right. */
  #together() {
    const along = {};
    for (const source of this.held) {
      const direction = this.#directionOf(source);
      if (direction) along[direction === "up" || direction === "down" ? "y" : "x"] = direction;
    }
    if (!along.x || !along.y || !this.#directionOf(this.held.at(-1))) return undefined;
    return this.world.actions.find(({ name }) => name === `${along.y}-${along.x}`)?.id;
  }
}
