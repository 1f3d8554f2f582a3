// Presses keys of a world as stdin says; prints the action that each frame takes.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { Keys } = await import(new URL("keys.js", pathToFileURL(`${process.argv[2]}/`)));
const { world, deeds } = JSON.parse(readFileSync(0, "utf8"));
const keys = new Keys(world);
const taken = [];
for (const [deed, source] of deeds) {
  if (deed === "frame") taken.push(keys.take());
  else keys[deed](source);
}
console.log(JSON.stringify(taken));
