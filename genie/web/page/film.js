// Films of a play: GIF, written at once, and what the browser records, at the world's own pace.

import { GifWriter } from "./gif.js";
import { toRgba } from "./screen.js";

const SHORT_SIDE = 256; // pixels that a film has at least, so that viewers do not blur small frames
const TYPES = ["video/webm;codecs=vp9", "video/webm", "video/mp4"];
const NAMES = { "video/webm": "WebM", "video/mp4": "MP4" };
const BITS_PER_SECOND = 4_000_000;

/** Return the kinds of films that can be made here: what each is called, and what makes it. */
export function filmKinds() {
  const type = TYPES.find((each) => globalThis.MediaRecorder?.isTypeSupported(each));
  const recorded = { name: NAMES[type?.split(";")[0]], make: (...film) => record(type, ...film) };
  return [{ name: "GIF", make: makeGif }, ...(type ? [recorded] : [])];
}

/**
 * Write frames as a GIF; all makers of films are called so.
 *
 * @param {Uint8Array[]} pictures RGB
 * @param {object} world
 * @param {(part: number) => void} tell called with how far it is, 0 to 1
 * @returns {Promise<Blob>}
 */
async function makeGif(pictures, world, tell) {
  const writer = new GifWriter({ ...world, scale: scaleOf(world) });
  for (const [number, picture] of pictures.entries()) {
    writer.add(picture);
    tell((number + 1) / pictures.length);
    await pause(0); // the page stays responsive
  }
  return writer.finish();
}

async function record(type, pictures, world, tell) {
  const small = new OffscreenCanvas(world.width, world.height);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [world.width, world.height].map((n) => n * scaleOf(world));
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  const image = new ImageData(world.width, world.height);
  const recorder = new MediaRecorder(canvas.captureStream(), {
    mimeType: type,
    videoBitsPerSecond: BITS_PER_SECOND,
  });
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const done = new Promise((resolve) => { recorder.onstop = resolve; });
  recorder.start();
  for (const [number, picture] of pictures.entries()) {
    toRgba(picture, image.data);
    small.getContext("2d").putImageData(image, 0, 0);
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
    tell((number + 1) / pictures.length);
    await pause(1000 / world.fps);
  }
  recorder.stop();
  await done;
  return new Blob(parts, { type: type.split(";")[0] });
}

function scaleOf({ width, height }) {
  return Math.ceil(SHORT_SIDE / Math.min(width, height));
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Let the browser save a file. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
