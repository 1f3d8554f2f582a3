// The page: opens the world, plays it at its pace, and does what the keys and buttons say.

import { COMMAND_KEYS, Commands } from "./commands.js";
import { FilmPanel } from "./film-panel.js";
import { Gallery } from "./gallery.js";
import { Hand } from "./hand.js";
import { Keys } from "./keys.js";
import { fromLink } from "./link.js";
import { element, Pad } from "./pad.js";
import { Player } from "./player.js";
import { Screen } from "./screen.js";

const IDLE_MILLISECONDS = 15;
const SMOOTHING = 0.15; // of the rate that is shown

export class Game {
  constructor(models, world, provider) {
    Object.assign(this, { world, paused: false, busy: false, once: false, rewinding: false });
    this.player = new Player(models, world);
    this.screen = new Screen(world);
    this.keys = new Keys(world, COMMAND_KEYS);
    this.pad = new Pad(world, this.keys);
    this.pace = world.fps;
    this.script = []; // what a link still has to play
    this.total = 0;
    this.hand = new Hand(this);
    this.gallery = new Gallery(this);
    this.filming = new FilmPanel(this);
    this.commands = new Commands(this);
    document.title = `${world.title} · genie-worlds`;
    document.getElementById("title").textContent = world.title;
    document.getElementById("backend").textContent = provider;
  }

  /** Whether time stands still until a panel is closed. */
  get still() {
    return this.hand.open || this.filming.open;
  }

  say(words, wrong) {
    this.screen.say(words, wrong);
  }

  /** Start anew from a prompt. */
  async start(prompt, seed = Math.floor(Math.random() * 2 ** 31)) {
    await this.alone(() => this.player.start(prompt, seed));
    this.hand.forget();
    this.shown = null;
    this.gallery.mark(prompt);
  }

  /** Go on with a play that a server kept. */
  async resume(play) {
    await this.alone(() => this.player.resume(play));
    this.gallery.mark(this.player.session.start.prompt);
  }

  /** Do something while no frame is made. */
  async alone(work) {
    while (this.busy) await wait(IDLE_MILLISECONDS);
    this.busy = true;
    try {
      return await work();
    } finally {
      this.busy = false;
    }
  }

  /** Play what a link says, and leave the end to the player. */
  async replay({ seed, prompt, deeds }) {
    this.player.settings = { ...this.world.settings };
    await this.start(prompt, seed);
    this.script = deeds.flatMap((deed) => (deed.count ? Array(deed.count).fill(deed) : [deed]));
    this.total = this.script.length;
  }

  /** Run until the page is closed. */
  async run() {
    for (;;) {
      const begin = performance.now();
      const moved = await this.#tick();
      this.#show();
      const least = moved ? 1000 / this.pace : IDLE_MILLISECONDS;
      await wait(Math.max(least - (performance.now() - begin), 0));
      if (moved) this.#measure(performance.now() - begin);
    }
  }

  async #tick() {
    const { player } = this;
    if (this.busy || !player.session) return false;
    if (this.still || this.rewinding) this.keys.take(); // a short press is not meant for later
    if (!player.frame.picture) await this.alone(() => player.redraw());
    if (this.still) return false;
    if (this.rewinding) {
      this.script = [];
      return player.back();
    }
    if ((this.paused && !this.once) || document.hidden) return false;
    this.once = false;
    this.busy = true;
    const action = this.keys.take();
    try {
      if (this.script.length) return await this.#follow(this.script.shift());
      this.milliseconds = await player.step(action);
      return true;
    } catch (error) {
      this.paused = true;
      this.say(`the world stopped: ${error.message}`, true);
      return false;
    } finally {
      this.busy = false;
    }
  }

  async #follow(deed) {
    const { player } = this;
    if (deed.setting) this.#set(deed.setting);
    else if (deed.ids) await player.edit(deed.ids);
    else this.milliseconds = await player.step(deed.action);
    const left = this.script.length;
    if (!left) this.say("from here on it is yours");
    else if (left % 8 === 0) this.say(`playing a link: ${this.total - left} of ${this.total}`);
    return deed.action !== undefined;
  }

  #set(setting) {
    Object.assign(this.player.settings, setting);
    this.commands.showSettings();
  }

  #show() {
    const { player } = this;
    if (!player.session || player.frame.picture === this.shown || !player.frame.picture) return;
    this.shown = player.frame.picture;
    this.screen.draw(this.shown);
    this.pad.light(player.frame.action);
    this.commands.follow();
  }

  #measure(milliseconds) {
    const now = 1000 / milliseconds;
    this.rate = this.rate ? this.rate + SMOOTHING * (now - this.rate) : now;
    document.getElementById("rate").textContent = `${this.rate.toFixed(1)} frames/s`;
  }
}

function wait(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Return what asks the models, which run in this browser or on a server. */
async function makeModels(world) {
  if (world.models === "server") {
    return new (await import("./models/server.js")).Server(world);
  }
  return new (await import("./models/remote.js")).Remote(world);
}

/** Say where the frames come from, and lead back to the choice of a world, if there is one. */
function describe(world, device) {
  if (device) {
    document.getElementById("about").textContent =
      `every frame is drawn by a neural network, on the server's ${device}`;
  }
  if (world.others) {
    const link = element("a", "", "← worlds");
    [link.id, link.href] = ["others", "../"];
    document.getElementById("figures").prepend(link);
  }
}

async function readWorld() {
  const answer = await fetch("world/world.json");
  if (!answer.ok) throw new Error(`the world's record is missing (${answer.status})`);
  return answer.json();
}

/** Cover the picture with words, and a way out. */
function stop(words) {
  const [loading, again] = [document.getElementById("loading"), element("button", "", "try again")];
  again.addEventListener("click", () => location.reload());
  loading.replaceChildren(element("span", "", words), again);
  loading.hidden = false;
}

/** Go on with a play that a server kept, or play a link, or begin. */
async function begin(game, play) {
  let link = null;
  try {
    link = play ? null : fromLink(game.world, location.hash);
  } catch (error) {
    game.say(error.message, true);
  }
  if (play) await game.resume(play);
  else if (link) await game.replay(link);
  else await game.start({ number: 0, ids: game.world.prompts[0].ids });
  game.commands.showSettings();
}

async function open() {
  const query = new URLSearchParams(location.search);
  let models = {};
  try {
    const world = await readWorld();
    models = await makeModels(world);
    models.onend = (words) => {
      models.ended = true;
      stop(words);
    };
    const { provider, device, play } = await models.load(query.get("backend"));
    describe(world, device);
    const game = new Game(models, world, provider);
    globalThis.game = game; // for the console and for tests
    await begin(game, play);
    document.getElementById("loading").hidden = true;
    await game.run();
  } catch (error) {
    if (models.ended) return; // and said
    stop(`this page could not start: ${error.message}`);
    throw error;
  }
}

open();
