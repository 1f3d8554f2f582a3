// Every key of the page beside the actions, the buttons that do the same, and the sliders.

import { icon } from "./icons.js";
import { keyName } from "./keys.js";
import { toLink } from "./link.js";
import { element } from "./pad.js";

/** Key, what it does in a few words, command. Keys as in the window, where it has them. */
const TABLE = [
  ["r", "start again", "restart"],
  [",", "one frame back", "back"],
  ["p", "pause", "pause"],
  [".", "one frame on", "forward"],
  ["backspace", "hold to rewind", "rewind"],
  ["b", "next branch", "branch"],
  ["c", "next picture fades in", "fade"],
  ["e", "edit: pick and place", "edit"],
  ["l", "film of the last 10 s", "film"],
  ["k", "copy a link to this play", "link"],
];

export const COMMAND_KEYS = TABLE.map(([key]) => key);

export class Commands {
  constructor(game) {
    this.game = game;
    this.buttons = new Map();
    this.held = new Map(); // by place on the keyboard: Shift may change what a key is called
    this.time = document.getElementById("time");
    for (const row of TABLE) this.#button(...row);
    this.time.addEventListener("input", () => this.#seek(Number(this.time.value)));
    this.time.addEventListener("change", () => this.time.blur()); // or it would keep the arrows
    this.#sliders();
    addEventListener("keydown", (event) => this.#down(event));
    addEventListener("keyup", (event) => this.#up(event));
    addEventListener("blur", () => {
      this.game.keys.releaseAll();
      this.game.rewinding = false;
    });
  }

  #button(key, about, command) {
    const button = element("button");
    const cap = element("kbd", "", key === "backspace" ? "⌫" : key.toUpperCase());
    button.append(icon(command === "edit" ? "hand" : command), cap);
    [button.title, button.ariaLabel] = [about, about];
    if (command === "rewind") {
      button.addEventListener("pointerdown", () => (this.game.rewinding = true));
      for (const end of ["pointerup", "pointerleave", "pointercancel"]) {
        button.addEventListener(end, () => (this.game.rewinding = false));
      }
    } else {
      button.addEventListener("click", () => {
        button.blur();
        this[command]();
      });
    }
    document.getElementById("transport").append(button);
    this.buttons.set(command, button);
  }

  #down(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.game.filming.open) return;
    if (event.target.matches?.("input[type=range]") && event.key.startsWith("Arrow")) return;
    const { game } = this;
    const key = keyName(event);
    const row = TABLE.find(([name]) => name === key);
    if (game.pad.take(event)) {
      event.preventDefault();
    } else if (game.hand.open && ["z", "escape", "return"].includes(key)) {
      event.preventDefault();
      if (key === "z") game.hand.takeBack();
      else this.edit();
    } else if (game.keys.action(key) !== undefined) {
      event.preventDefault();
      if (event.repeat) return;
      this.held.set(event.code, key);
      game.keys.press(key);
    } else if (row) {
      event.preventDefault();
      if (row[2] === "rewind") game.rewinding = true;
      else if (!event.repeat || [",", "."].includes(key)) this[row[2]]();
    }
  }

  #up(event) {
    const key = keyName(event);
    this.game.keys.release((event.code && this.held.get(event.code)) || key);
    if (key === "backspace") this.game.rewinding = false;
  }

  restart() {
    const { game } = this;
    game.script = [];
    game.start(game.player.session.start.prompt);
  }

  pause(paused = !this.game.paused) {
    this.game.paused = paused;
    this.buttons.get("pause").setAttribute("aria-pressed", paused);
  }

  back() {
    this.pause(true);
    this.game.player.back();
  }

  forward() {
    this.pause(true);
    if (!this.game.player.forward()) this.game.once = true;
  }

  branch() {
    const [number, count] = this.game.player.nextBranch();
    this.game.say(`branch ${number} of ${count}`);
  }

  edit() {
    const { hand } = this.game;
    hand.toggle();
    this.buttons.get("edit").setAttribute("aria-pressed", hand.open);
  }

  fade() {
    this.game.gallery.fadeNext();
  }

  film() {
    this.game.filming.ask();
  }

  async link() {
    const { player, world } = this.game;
    history.replaceState(null, "", `#${toLink(world, player.session, player.head)}`);
    try {
      await navigator.clipboard.writeText(location.href);
      this.game.say("link copied: whoever opens it sees this play");
    } catch {
      this.game.say("the link is in the address bar");
    }
  }

  /** Move the slider to the frame that is shown. */
  follow() {
    const { player } = this.game;
    const ahead = player.undone.length;
    this.time.max = player.frame.depth + ahead;
    this.time.value = player.frame.depth;
  }

  #seek(depth) {
    const { player } = this.game;
    this.pause(true);
    while (player.frame.depth > depth && player.back());
    while (player.frame.depth < depth && player.forward());
  }

  #sliders() {
    const { game } = this;
    const bind = (id, read, write) => {
      const [slider, shown] = [id, `${id}-shown`].map((name) => document.getElementById(name));
      const show = () => {
        slider.value = read();
        shown.textContent = Number(read().toFixed(2));
      };
      slider.addEventListener("input", () => {
        write(Number(slider.value));
        show();
      });
      slider.addEventListener("change", () => slider.blur());
      return show;
    };
    const setting = (name) => bind(name, () => game.player.settings[name], (value) => {
      game.player.settings[name] = value;
    });
    const pace = bind("pace", () => game.pace, (value) => (game.pace = value));
    this.sliders = [setting("steps"), setting("temperature"), pace];
    this.showSettings();
  }

  /** Move the sliders to the settings of now. */
  showSettings() {
    for (const show of this.sliders) show();
  }
}
