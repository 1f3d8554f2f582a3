// Films as GIF: GIF89a with a palette of its own for each frame, compressed by LZW.
//
// Source: https://www.w3.org/Graphics/GIF/spec-gif89a.txt

const MOST_COLORS = 256;
const LEAST_DELAY = 2; // hundredths of a second; browsers replace smaller ones by ten
const MOST_CODES = 4096;
const LOOP = "NETSCAPE2.0"; // the application extension by which a GIF repeats

/** Writes frames one after the other; `parts` is the file so far. */
export class GifWriter {
  /** @param {{width: number, height: number, scale: number, fps: number}} film in small pixels */
  constructor({ width, height, scale, fps }) {
    Object.assign(this, { width, height, scale, fps, frames: 0 });
    [this.wide, this.high] = [width * scale, height * scale];
    this.parts = [
      text("GIF89a"), Uint8Array.of(...short(this.wide), ...short(this.high), 0, 0, 0),
      Uint8Array.of(0x21, 0xff, LOOP.length), text(LOOP), Uint8Array.of(3, 1, 0, 0, 0),
    ];
  }

  /** Add a frame, RGB. */
  add(picture) {
    const { palette, indices } = quantize(picture);
    const bits = Math.max(2, Math.ceil(Math.log2(palette.length / 3)));
    const table = new Uint8Array(3 << bits);
    table.set(palette);
    this.parts.push(
      Uint8Array.of(0x21, 0xf9, 4, 1 << 2, ...short(this.#hundredths()), 0, 0),
      Uint8Array.of(0x2c, 0, 0, 0, 0, ...short(this.wide), ...short(this.high), 0x80 | (bits - 1)),
      table, Uint8Array.of(bits), ...blocks(compress(this.#enlarge(indices), bits)),
    );
    this.frames += 1;
  }

  /** Return the whole file. */
  finish() {
    return new Blob([...this.parts, Uint8Array.of(0x3b)], { type: "image/gif" });
  }

  /** Return how long the next frame is shown, such that roundings do not add up, up to 50 fps. */
  #hundredths() {
    const until = (frames) => Math.round((100 * frames) / this.fps);
    return Math.max(LEAST_DELAY, until(this.frames + 1) - until(this.frames));
  }

  #enlarge(indices) {
    const { width, scale, wide, high } = this;
    const large = new Uint8Array(wide * high);
    for (let y = 0, to = 0; y < high; y++) {
      const row = Math.floor(y / scale) * width;
      for (let x = 0; x < wide; x++) large[to++] = indices[row + Math.floor(x / scale)];
    }
    return large;
  }
}

/**
 * Choose at most 256 colors for a picture: its own, if it has no more, else by median cut.
 *
 * @param {Uint8Array} picture RGB
 * @returns {{palette: Uint8Array, indices: Uint8Array}} RGB of each color, and each pixel's color
 */
export function quantize(picture) {
  const counts = new Map();
  const pixels = Uint32Array.from({ length: picture.length / 3 }, (_, n) =>
    (picture[3 * n] << 16) | (picture[3 * n + 1] << 8) | picture[3 * n + 2]);
  for (const color of pixels) counts.set(color, (counts.get(color) ?? 0) + 1);
  const boxes = cut([...counts].map(([color, count]) => (
    { color, count, rgb: [color >> 16, (color >> 8) & 255, color & 255] })));
  const numbers = new Map();
  const palette = new Uint8Array(3 * boxes.length);
  boxes.forEach((box, number) => {
    palette.set(box.mean.map(Math.round), 3 * number);
    for (const { color } of box.colors) numbers.set(color, number);
  });
  return { palette, indices: Uint8Array.from(pixels, (color) => numbers.get(color)) };
}

/** Divide colors into boxes: always the one with the greatest error, at its mean. */
function cut(colors) {
  const boxes = [measure(colors)];
  while (boxes.length < MOST_COLORS) {
    const errors = boxes.map(({ error }) => error);
    const at = errors.indexOf(Math.max(...errors));
    const { mean, axis, error } = boxes[at];
    if (error <= 0) break; // each color has a box of its own
    const halves = [[], []];
    for (const each of boxes[at].colors) halves[Number(each.rgb[axis] > mean[axis])].push(each);
    boxes.splice(at, 1, ...halves.map(measure));
  }
  return boxes;
}

/** Return a box of colors: their mean, the axis along which they differ most, and how much. */
function measure(colors) {
  const mean = [0, 0, 0];
  let total = 0;
  for (const { rgb, count } of colors) {
    total += count;
    for (let axis = 0; axis < 3; axis++) mean[axis] += count * rgb[axis];
  }
  for (let axis = 0; axis < 3; axis++) mean[axis] /= total;
  const errors = [0, 0, 0];
  for (const { rgb, count } of colors) {
    for (let axis = 0; axis < 3; axis++) errors[axis] += count * (rgb[axis] - mean[axis]) ** 2;
  }
  // A color by itself has none, whatever its mean is rounded to.
  const error = colors.length > 1 ? Math.max(...errors) : 0;
  return { colors, mean, axis: errors.indexOf(Math.max(...errors)), error };
}

/** Compress indices of so many bits by LZW. */
function compress(indices, bits) {
  const [clear, end] = [1 << bits, (1 << bits) + 1];
  const longer = new Uint16Array(MOST_CODES << bits); // by code and index; 0: none
  const packed = new BitWriter(indices.length);
  let [size, next, code] = [bits + 1, end + 1, indices[0]];
  packed.write(clear, size);
  for (let at = 1; at < indices.length; at++) {
    const place = (code << bits) | indices[at];
    if (longer[place]) {
      code = longer[place];
      continue;
    }
    packed.write(code, size);
    code = indices[at];
    if (next < MOST_CODES) {
      longer[place] = next;
      if (next++ === 1 << size) size += 1;
    } else { // the table is full: begin a new one
      packed.write(clear, size);
      longer.fill(0);
      [size, next] = [bits + 1, end + 1];
    }
  }
  packed.write(code, size);
  packed.write(end, size);
  return packed.finish();
}

/** Numbers of any few bits, the lowest first. */
class BitWriter {
  /** @param {number} most bytes that may come */
  constructor(most) {
    [this.bytes, this.length] = [new Uint8Array(2 * most + 16), 0];
    [this.rest, this.count] = [0, 0]; // bits that fill no byte yet
  }

  write(value, bits) {
    this.rest |= value << this.count;
    this.count += bits;
    for (; this.count >= 8; this.count -= 8, this.rest >>>= 8) {
      this.bytes[this.length++] = this.rest & 255;
    }
  }

  finish() {
    if (this.count) this.bytes[this.length++] = this.rest;
    return this.bytes.subarray(0, this.length);
  }
}

/** Return data as sub-blocks of at most 255 bytes, each with its length before it. */
function blocks(data) {
  const parts = [];
  for (let at = 0; at < data.length; at += 255) {
    const part = data.slice(at, at + 255);
    parts.push(Uint8Array.of(part.length), part);
  }
  return [...parts, Uint8Array.of(0)];
}

function short(number) {
  return [number & 255, number >> 8];
}

function text(words) {
  return Uint8Array.from(words, (letter) => letter.charCodeAt(0));
}
