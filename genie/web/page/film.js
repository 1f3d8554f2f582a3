// A play as a film: WebM, drawn again at the world's own pace.

import { toRgba } from "./screen.js";

const SCALE = 4;
const TYPES = ["video/webm;codecs=vp9", "video/webm", "video/mp4"];

/**
 * Record frames.
 *
 * @param {Uint8Array[]} pictures RGB
 * @param {object} world
 * @param {(part: number) => void} tell called with how far it is, 0 to 1
 * @returns {Promise<Blob>}
 */
export async function makeFilm(pictures, world, tell) {
  const type = TYPES.find((each) => globalThis.MediaRecorder?.isTypeSupported(each));
  if (!type) throw new Error("this browser cannot record films");
  const small = new OffscreenCanvas(world.width, world.height);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [world.width * SCALE, world.height * SCALE];
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  const image = new ImageData(world.width, world.height);
  const recorder = new MediaRecorder(canvas.captureStream(), {
    mimeType: type,
    videoBitsPerSecond: 4_000_000,
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
    await new Promise((resolve) => setTimeout(resolve, 1000 / world.fps));
  }
  recorder.stop();
  await done;
  return new Blob(parts, { type: type.split(";")[0] });
}

/** Let the browser save a file. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
