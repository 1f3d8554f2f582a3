// What is drawn: the frame, short notices, the figures in the corner.

const NOTICE_MILLISECONDS = 2500;

export class Screen {
  constructor(world) {
    this.canvas = document.getElementById("screen");
    this.notice = document.getElementById("notice");
    [this.canvas.width, this.canvas.height] = [world.width, world.height];
    document.documentElement.style.setProperty("--aspect", `${world.width} / ${world.height}`);
    this.image = new ImageData(world.width, world.height);
  }

  /** Draw a picture, RGB. */
  draw(picture) {
    toRgba(picture, this.image.data);
    this.canvas.getContext("2d").putImageData(this.image, 0, 0);
  }

  say(words, wrong = false) {
    this.notice.textContent = words;
    this.notice.classList.toggle("wrong", wrong);
    this.notice.classList.add("shown");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.notice.classList.remove("shown"), NOTICE_MILLISECONDS);
  }
}

/** Write a picture, RGB, as RGBA. */
export function toRgba(picture, rgba) {
  for (let from = 0, to = 0; from < picture.length; from += 3, to += 4) {
    rgba[to] = picture[from];
    rgba[to + 1] = picture[from + 1];
    rgba[to + 2] = picture[from + 2];
    rgba[to + 3] = 255;
  }
}

/** Return the middle of an image file as RGB bytes of a size: genie.session.transfer.fit_picture. */
export async function readPicture(file, width, height) {
  const image = await createImageBitmap(file);
  const scale = Math.max(width / image.width, height / image.height);
  const [wide, high] = [width / scale, height / scale];
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  [context.imageSmoothingEnabled, context.imageSmoothingQuality] = [true, "high"];
  const [left, top] = [(image.width - wide) / 2, (image.height - high) / 2];
  context.drawImage(image, left, top, wide, high, 0, 0, width, height);
  const rgba = context.getImageData(0, 0, width, height).data;
  return Uint8Array.from({ length: width * height * 3 }, (_, i) =>
    rgba[4 * Math.floor(i / 3) + (i % 3)]);
}
