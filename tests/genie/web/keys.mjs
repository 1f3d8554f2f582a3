// Presses keys of a world as stdin says; prints the action of each frame, and keys asked for.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { Keys } = await import(new URL("keys.js", pathToFileURL(`${process.argv[2]}/`)));
const { world, commands, deeds } = JSON.parse(readFileSync(0, "utf8"));
const keys = new Keys(world, commands);
const taken = [];
for (const [deed, ...given] of deeds) {
  if (deed === "frame") taken.push(keys.take());
  else if (deed === "keysOf") taken.push(keys.keysOf(...given));
  else keys[deed](...given);
}
console.log(JSON.stringify(taken));
