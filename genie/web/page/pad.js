// The keys on the screen, and the list in which they are changed.

import { capOf, keyName } from "./keys.js";

const CELLS = ["up-left", "up", "up-right", "left", "", "right", "down-left", "down", "down-right"];
const SIGNS = ["↖", "↑", "↗", "←", "", "→", "↙", "↓", "↘"];

export class Pad {
  /**
   * @param {object} world
   * @param {object} keys a Keys
   */
  constructor(world, keys) {
    Object.assign(this, { world, keys, waiting: null });
    this.caps = new Map();
    this.#build();
    this.list();
    document.getElementById("reset-keys").addEventListener("click", () => {
      keys.reset();
      keys.save();
      this.list();
    });
  }

  #build() {
    const [cross, others] = ["cross", "others"].map((name) => element("div", name));
    for (const action of this.world.actions) {
      if (action.id === this.world.idle) continue;
      const cell = CELLS.indexOf(action.name);
      const cap = this.#cap(action, cell < 0 ? null : SIGNS[cell]);
      if (cell >= 0) {
        cap.style.gridArea = `${Math.floor(cell / 3) + 1} / ${(cell % 3) + 1}`;
      }
      (cell < 0 ? others : cross).append(cap);
      this.caps.set(action.id, cap);
    }
    document.getElementById("pad").append(...[cross, others].filter((box) => box.children.length));
  }

  #cap(action, sign) {
    const cap = element("button", "cap");
    cap.setAttribute("aria-label", action.name);
    cap.append(sign ?? element("small", "", action.name));
    const source = `action:${action.id}`;
    cap.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      cap.setPointerCapture(event.pointerId);
      this.keys.press(source);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      cap.addEventListener(end, () => this.keys.release(source));
    }
    cap.addEventListener("contextmenu", (event) => event.preventDefault());
    return cap;
  }

  /** Light the cap of what is played. */
  light(action) {
    for (const [id, cap] of this.caps) cap.classList.toggle("held", id === action);
  }

  /** Show which key does what. */
  list() {
    const rows = this.world.actions.map(({ id, name }) => {
      const row = element("li");
      row.append(element("span", "name", id === this.world.idle ? `${name} (no key)` : name));
      for (const key of this.keys.keysOf(id)) row.append(element("kbd", "", capOf(key)));
      const change = element("button", "quiet", this.waiting === id ? "press a key …" : "change");
      change.addEventListener("click", () => {
        this.waiting = this.waiting === id ? null : id;
        this.list();
      });
      row.append(change);
      return row;
    });
    document.getElementById("keys").replaceChildren(...rows);
  }

  /** Take a key for the action that waits for one; returns whether one did. */
  take(event) {
    if (this.waiting === null) return false;
    if (event.key !== "Escape") this.keys.bind(keyName(event), this.waiting);
    this.waiting = null;
    this.list();
    return true;
  }
}

export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}
