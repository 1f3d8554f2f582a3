// The models on a server, as the page sees them: the questions of remote.js, over a WebSocket.
//
// `genie serve` has the other end (genie/serve/). It keeps the session, too, so that a page that is
// loaded again goes on with it.

import { Questions } from "./questions.js";

const RETRY_MILLISECONDS = 3000;
const LOST = "the connection to the server was lost; this page goes on once it is back";

export class Server extends Questions {
  /**
   * @returns {Promise<{provider: string, device: string, play: ?object}>} what computes, as the
   *   corner shows it; "CPU" or "GPU"; and a session to go on with, if there is one
   */
  async load() {
    const place = `genie-session:${location.pathname}`; // one a world and tab
    const address = new URL("socket", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    [address.hash, address.search] = ["", ""];
    const kept = sessionStorage.getItem(place);
    if (kept && !opensLink()) address.searchParams.set("session", kept);
    this.socket = new WebSocket(address);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = ({ data }) => this.#take(data);
    this.socket.onclose = (event) => this.#end(event);
    const { session, device, play } = await this.expect(0);
    sessionStorage.setItem(place, session);
    if (play) play.ids = rows(play.bytes, play.parents.length);
    this.records = play ? play.parents.length : 0;
    return { provider: "server", device, play };
  }

  async start({ number, ids }, seed) {
    const made = await this.ask("start", { prompt: number, ids: [...ids], seed });
    this.records = 1;
    return made;
  }

  look(ids) {
    return this.ask("look", { ids: [...ids] });
  }

  goTo(session, head) {
    if (head < this.records) return this.ask("go", { record: head });
    const { of, ids } = session.frames[head]; // an edit, which the server does not know yet
    this.records += 1;
    return this.ask("edit", { record: of, ids: [...ids] });
  }

  async step(action, settings) {
    const begin = performance.now();
    const made = await this.ask("step", { action, settings });
    this.records += 1;
    return { ...made, milliseconds: performance.now() - begin };
  }

  encode(picture) {
    return this.ask("encode", { picture });
  }

  /** Send a question as JSON; a picture as the question's number and its bytes. */
  send(number, task, values) {
    if (this.socket.readyState !== WebSocket.OPEN) {
      this.answer(number, null, LOST);
    } else if (values.picture) {
      const message = new Uint8Array(4 + values.picture.length);
      new DataView(message.buffer).setUint32(0, number, true);
      message.set(values.picture, 4);
      this.socket.send(message);
    } else {
      this.socket.send(JSON.stringify({ number, task, ...values }));
    }
  }

  /** Take an answer: the length of its JSON, the JSON, and the bytes of a picture or of tokens. */
  #take(data) {
    const size = new DataView(data).getUint32(0, true);
    const { number, result, error } = JSON.parse(
      new TextDecoder().decode(new Uint8Array(data, 4, size)),
    );
    const bytes = new Uint8Array(data, 4 + size);
    if (result?.play) result.play.bytes = bytes;
    else if (bytes.length) result.picture = bytes;
    this.answer(number, result, error);
  }

  #end({ reason }) {
    const words = reason || LOST;
    this.onend?.(words); // before what waits fails: it would say so, too
    this.fail(words);
    if (!reason) this.#comeBack();
  }

  /** Load the page again once the server answers. */
  async #comeBack() {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
      const answer = await fetch("world/world.json", { cache: "no-store" }).catch(() => null);
      if (answer?.status < 500) { // others are a proxy's: the server is still away
        location.reload();
        return;
      }
    }
  }
}

/** Whether the page was opened with a play in its link, and not only loaded again. */
function opensLink() {
  const again = performance.getEntriesByType("navigation")[0]?.type === "reload";
  return new URLSearchParams(location.hash.slice(1)).has("k") && !again;
}

/** Return the tokens of each frame, two bytes a token. */
function rows(bytes, count) {
  const ids = new Uint16Array(bytes.slice().buffer); // at an even place
  const size = ids.length / count;
  return Array.from({ length: count }, (_, n) => ids.subarray(n * size, (n + 1) * size));
}
