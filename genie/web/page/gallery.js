// The pictures to start from, and those that are dropped on the page.

import { element } from "./pad.js";
import { readPicture } from "./screen.js";

export class Gallery {
  constructor(game) {
    this.game = game;
    this.box = document.getElementById("gallery");
    for (const [number, { file, ids }] of game.world.prompts.entries()) {
      this.#add(`world/${file}`, { number, ids }, `picture ${number + 1}`);
    }
    document.getElementById("file").addEventListener("change", ({ target }) => {
      this.take(target.files[0]);
      target.value = "";
    });
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      document.body.classList.add("dropping");
    });
    document.addEventListener("dragleave", () => document.body.classList.remove("dropping"));
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      document.body.classList.remove("dropping");
      this.take(event.dataTransfer.files[0]);
    });
  }

  /** Start from a picture of the player's. */
  async take(file) {
    if (!file) return;
    const { game } = this;
    const { width, height } = game.world;
    try {
      const picture = await readPicture(file, width, height);
      const { ids } = await game.alone(() => game.player.models.encode(picture));
      const prompt = { number: null, ids };
      this.#add(URL.createObjectURL(file), prompt, file.name);
      await game.start(prompt);
      game.say("as this world sees it");
    } catch (error) {
      game.say(`${file.name} is no picture that can be read (${error.message})`, true);
    }
  }

  async #choose(prompt) {
    const { game } = this;
    if (game.hand.open) {
      const { picture } = await game.alone(() => game.player.look(prompt.ids));
      game.hand.show(picture);
      return;
    }
    game.script = [];
    await game.start(prompt);
  }

  #add(url, prompt, label) {
    const [button, image] = [element("button"), element("img")];
    button.setAttribute("aria-label", label);
    Object.assign(image, { src: url, alt: "" });
    button.append(image);
    button.addEventListener("click", () => {
      button.blur(); // or Space would press it again
      this.#choose(prompt);
    });
    this.box.append(button);
  }
}
