// Writes the film on stdin with the page's GIF encoder; prints its bytes.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { GifWriter } = await import(new URL("gif.js", pathToFileURL(`${process.argv[2]}/`)));
const { pictures, ...film } = JSON.parse(readFileSync(0, "utf8"));
const writer = new GifWriter(film);
for (const picture of pictures) writer.add(Uint8Array.from(picture));
console.log(JSON.stringify([...new Uint8Array(await writer.finish().arrayBuffer())]));
