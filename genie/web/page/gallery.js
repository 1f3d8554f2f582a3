// The pictures to start from or to fade in, and those that are dropped on the page.

import { element } from "./pad.js";
import { readPicture } from "./screen.js";

export class Gallery {
  constructor(game) {
    Object.assign(this, { game, pictures: [], current: 0, fades: false });
    this.box = document.getElementById("gallery");
    for (const [number, { file, ids }] of game.world.prompts.entries()) {
      this.#add(`world/${file}`, { number, ids }, `picture ${number + 1}`);
    }
    for (const [id, fades] of [["starts", false], ["fades", true]]) {
      document.getElementById(id).addEventListener("click", ({ currentTarget }) => {
        currentTarget.blur();
        this.#switch(fades);
      });
    }
    document.getElementById("file").addEventListener("change", ({ target }) => {
      this.take(target.files[0]);
      target.value = "";
    });
    this.#takeDrops();
  }

  /** Do with a picture of the player's as with those that are here; with `fades` it fades in. */
  async take(file, fades = this.fades) {
    if (!file) return;
    const { game } = this;
    const { width, height } = game.world;
    try {
      const picture = await readPicture(file, width, height);
      const { ids } = await game.alone(() => game.player.models.encode(picture));
      const number = this.#add(URL.createObjectURL(file), { number: null, ids }, file.name);
      await this.#choose(number, fades);
    } catch (error) {
      game.say(`${file.name} is no picture that can be read (${error.message})`, true);
    }
  }

  /** Let the picture after the current one come in as the new scene, while play goes on. */
  fadeNext() {
    this.#fade((this.current + 1) % this.pictures.length);
  }

  /** Mark the picture that play started from, if it is here. */
  mark(prompt) {
    const { number, ids } = prompt;
    this.#mark(number ?? this.pictures.findIndex(({ prompt: each }) => each.ids === ids));
  }

  /** Start from a picture or let it fade in; while the hand is open, show it beside the scene. */
  async #choose(number, fades) {
    const { game } = this;
    const { prompt } = this.pictures[number];
    if (game.hand.open) {
      const { picture } = await game.alone(() => game.player.look(prompt.ids));
      game.hand.show(picture);
    } else if (fades) {
      this.#fade(number);
    } else {
      game.script = [];
      await game.start(prompt);
      if (prompt.number === null) game.say("as this world sees it");
    }
  }

  #fade(number) {
    const { game } = this;
    const { prompt, label } = this.pictures[number];
    game.script = [];
    game.player.fadeTo(prompt.ids);
    this.#mark(number);
    const waits = game.paused || game.still ? ", once time goes on" : "";
    game.say(`${label} fades in${waits}`);
  }

  #mark(number) {
    this.current = number;
    for (const [other, { button }] of this.pictures.entries()) {
      button.setAttribute("aria-current", other === number);
    }
  }

  #switch(fades) {
    this.fades = fades;
    document.getElementById("starts").setAttribute("aria-pressed", !fades);
    document.getElementById("fades").setAttribute("aria-pressed", fades);
  }

  /** Add a picture; returns its number. */
  #add(url, prompt, label) {
    const [button, image] = [element("button"), element("img")];
    button.setAttribute("aria-label", label);
    Object.assign(image, { src: url, alt: "" });
    button.append(image);
    const number = this.pictures.push({ prompt, label, button }) - 1;
    button.addEventListener("click", ({ shiftKey }) => {
      button.blur(); // or Space would press it again
      this.#choose(number, this.fades || shiftKey);
    });
    this.box.append(button);
    return number;
  }

  #takeDrops() {
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      document.body.classList.add("dropping");
    });
    document.addEventListener("dragleave", () => document.body.classList.remove("dropping"));
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      document.body.classList.remove("dropping");
      this.take(event.dataTransfer.files[0], this.fades || event.shiftKey);
    });
  }
}
