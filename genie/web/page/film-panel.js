// The panel in which a film is chosen; time stands still while it is open.

import { filmKinds, save } from "./film.js";
import { element } from "./pad.js";

const SECONDS = 10;

export class FilmPanel {
  constructor(game) {
    Object.assign(this, { game, pictures: [], busy: false });
    this.box = document.getElementById("film");
    const kinds = filmKinds().map((kind) => {
      const button = element("button", "", kind.name);
      button.addEventListener("click", () => this.#make(kind));
      return button;
    });
    document.getElementById("film-kinds").append(...kinds);
    document.getElementById("film-leave").addEventListener("click", () => this.box.close());
  }

  get open() {
    return this.box.open;
  }

  get #seconds() {
    return (this.pictures.length / this.game.world.fps).toFixed(1);
  }

  /** Ask what to make of the last frames, unless a film is being made. */
  ask() {
    if (this.busy) {
      this.game.say("the last film is still being made");
      return;
    }
    const { player, world } = this.game;
    const frames = player.session.line(player.head).slice(-Math.round(SECONDS * world.fps));
    // Those of an old session are not drawn yet.
    this.pictures = frames.map((at) => player.session.frames[at].picture).filter(Boolean);
    document.getElementById("film-words").textContent = `the last ${this.#seconds} seconds, as`;
    this.box.showModal();
  }

  async #make({ name, make }) {
    const { game, pictures } = this;
    const words = `a ${name} of ${this.#seconds} s is among your downloads`;
    this.box.close();
    this.busy = true;
    try {
      const film = await make(pictures, game.world, (part) => {
        game.say(`filming: ${Math.round(100 * part)} %`);
      });
      save(film, `${game.world.name}.${name.toLowerCase()}`);
      game.say(words);
    } catch (error) {
      game.say(`there is no film: ${error.message}`, true);
    } finally {
      this.busy = false;
    }
  }
}
