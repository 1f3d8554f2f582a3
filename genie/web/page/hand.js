// The hand: pieces of frames, picked up and put down by whole tokens. As genie/play/game/hand.py.

import { element } from "./pad.js";
import { toRgba } from "./screen.js";

const INK = "#f5b446";
const FINE = 8; // pixels of the outline in one of the world

export class Hand {
  constructor(game) {
    Object.assign(this, { game, open: false, piece: null, from: null, undo: [] });
    const { world } = game;
    [this.rows, this.columns] = world.grid;
    this.overlay = document.getElementById("overlay");
    this.palette = element("canvas");
    [this.palette.width, this.palette.height] = [world.width, world.height];
    this.box = element("div");
    this.box.id = "palette";
    this.box.hidden = true;
    this.hint = element("p");
    this.undoing = element("button", "", "take back ");
    this.undoing.append(element("kbd", "", "Z"));
    this.undoing.addEventListener("click", () => {
      this.undoing.blur();
      this.takeBack();
    });
    const words = element("div");
    words.append(this.hint, this.undoing);
    this.box.append(this.palette, words);
    document.getElementById("pad").before(this.box);
    for (const canvas of [this.overlay, this.palette]) this.#listen(canvas);
  }

  /** Open or close; time stands still while it is open. */
  toggle() {
    this.open = !this.open;
    this.box.hidden = !this.open;
    document.body.classList.toggle("hand", this.open);
    [this.piece, this.from, this.undo] = [null, null, []];
    this.#outline(null);
    if (this.open) this.#showFirst();
    this.#tell();
  }

  /** Show the picture that play started from; an old one is drawn again. */
  async #showFirst() {
    const { player } = this.game;
    const { picture, ids } = player.session.frames[0];
    this.show(picture ?? (await this.game.alone(() => player.look(ids))).picture);
  }

  /** Show a picture, RGB, to pick from. */
  show(picture) {
    this.source = picture;
    const { width, height } = this.game.world;
    const image = new ImageData(width, height);
    toRgba(picture, image.data);
    this.palette.getContext("2d").putImageData(image, 0, 0);
  }

  /** Forget what was put down: a new session has none of the records before. */
  forget() {
    this.undo = [];
    this.#tell();
  }

  /** Take back what was put down last. */
  takeBack() {
    if (this.undo.length) this.game.player.goTo(this.undo.pop());
    this.#tell();
  }

  #listen(canvas) {
    canvas.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      const cell = this.#cell(canvas, event);
      if (this.piece && canvas === this.overlay) this.#put(cell);
      else this.from = cell;
    });
    canvas.addEventListener("pointermove", (event) => {
      const cell = this.#cell(canvas, event);
      if (canvas === this.overlay) {
        this.#outline(this.from ? between(this.from, cell) : this.piece && this.#landing(cell));
      }
    });
    canvas.addEventListener("pointerup", (event) => {
      if (!this.from) return;
      const area = between(this.from, this.#cell(canvas, event));
      const whole = canvas === this.overlay ? this.game.player.frame.picture : this.source;
      this.piece = { ...area, pixels: Uint8Array.from(whole) };
      this.from = null;
      this.#outline(null);
      this.#tell();
    });
  }

  #cell(canvas, event) {
    const box = canvas.getBoundingClientRect();
    const inside = (part, count) => Math.min(Math.max(Math.floor(part * count), 0), count - 1);
    return {
      row: inside((event.clientY - box.top) / box.height, this.rows),
      column: inside((event.clientX - box.left) / box.width, this.columns),
    };
  }

  /** Return where the piece lies with its middle under the pointer, cut to fit. */
  #landing({ row, column }) {
    const { rows, columns } = this.piece;
    const fit = (at, size, count) => Math.min(Math.max(at - ((size - 1) >> 1), 0), count - size);
    return {
      top: fit(row, rows, this.rows),
      left: fit(column, columns, this.columns),
      rows,
      columns,
    };
  }

  async #put(cell) {
    const { game, piece } = this;
    const { player, world } = game;
    const area = this.#landing(cell);
    await game.alone(async () => {
      const { picture, ids } = player.frame;
      const before = player.head;
      const painted = paste(picture, piece, area, world);
      // As pixels, not as the piece's tokens: what a token looks like depends on those around it.
      const seen = (await player.models.encode(painted)).ids;
      const differ = changedCells(picture, painted, world);
      if (!differ.some(Boolean)) return;
      await player.edit(Array.from(ids, (id, n) => (differ[n] ? seen[n] : id)));
      this.undo.push(before);
      this.#tell();
    });
  }

  #outline(area) {
    const { world } = this.game;
    const [high, wide] = [world.height / this.rows, world.width / this.columns];
    const canvas = this.overlay;
    [canvas.width, canvas.height] = [FINE * world.width, FINE * world.height]; // clears it, too
    if (!area) return;
    const context = canvas.getContext("2d");
    Object.assign(context, { strokeStyle: INK, lineWidth: FINE / 2 });
    context.strokeRect(FINE * area.left * wide, FINE * area.top * high,
      FINE * area.columns * wide, FINE * area.rows * high);
  }

  #tell() {
    this.undoing.hidden = !this.undo.length;
    this.hint.textContent = this.piece
      ? "tap the scene to put the piece down; tap this picture to pick another"
      : "drag over the scene or this picture to pick a piece; “Pictures” changes this one";
  }
}

/** Return the rectangle of tokens that two cells span. */
function between(a, b) {
  const [top, left] = [Math.min(a.row, b.row), Math.min(a.column, b.column)];
  return {
    top,
    left,
    rows: Math.abs(a.row - b.row) + 1,
    columns: Math.abs(a.column - b.column) + 1,
  };
}

/** Return a picture with a piece of another one at `area`. */
export function paste(picture, piece, area, world) {
  const painted = Uint8Array.from(picture);
  const high = world.height / world.grid[0];
  const wide = (world.width / world.grid[1]) * 3;
  const row = world.width * 3;
  for (let y = 0; y < piece.rows * high; y++) {
    const from = (piece.top * high + y) * row + piece.left * wide;
    const part = piece.pixels.subarray(from, from + piece.columns * wide);
    painted.set(part, (area.top * high + y) * row + area.left * wide);
  }
  return painted;
}

/** Return for each token whether two pictures differ there. */
export function changedCells(before, after, world) {
  const [rows, columns] = world.grid;
  const differ = Array(rows * columns).fill(false);
  for (let i = 0; i < before.length; i++) {
    if (before[i] === after[i]) continue;
    const pixel = Math.floor(i / 3);
    const row = Math.floor((Math.floor(pixel / world.width) * rows) / world.height);
    differ[row * columns + Math.floor(((pixel % world.width) * columns) / world.width)] = true;
  }
  return differ;
}
