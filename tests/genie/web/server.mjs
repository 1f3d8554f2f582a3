// Loses the connection to a server whose answers are then as stdin says; prints how many it took
// until the page was loaded again.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const answers = JSON.parse(readFileSync(0, "utf8"));
let asked = 0;
Object.assign(globalThis, {
  WebSocket: class {},
  sessionStorage: { getItem: () => null },
  setTimeout: (work) => queueMicrotask(work),
  fetch: async () => {
    const status = answers[asked++];
    if (!status) throw new TypeError("failed to fetch");
    return { status };
  },
  location: {
    href: "http://localhost/toy/",
    pathname: "/toy/",
    reload: () => console.log(JSON.stringify(asked)),
  },
});
const { Server } = await import(new URL("models/server.js", pathToFileURL(`${process.argv[2]}/`)));
const server = new Server({});
server.load().catch(() => {});
server.socket.onclose({ reason: "" });
