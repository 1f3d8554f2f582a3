// Appends frames to a session as stdin says; prints the ends of its branches.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { Session } = await import(new URL("session.js", pathToFileURL(`${process.argv[2]}/`)));
const session = new Session({});
for (const frame of JSON.parse(readFileSync(0, "utf8"))) session.append(frame);
console.log(JSON.stringify(session.ends()));
