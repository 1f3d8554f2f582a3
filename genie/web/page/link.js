// A play as a link: what the player did, not what came of it. Whoever opens it plays it again.
//
// After the "#", as a query: w the world's fingerprint, s the seed, p the number of the prompt or
// i its tokens, and k what was done, with "*" between: "3x12" is action 3 for 12 frames; "m2" from
// here on 2 steps, "t0.8" temperature, "oconfidence" order; "e…" the tokens of an edited frame.

const MOST_FRAMES = 100_000;
const MOST_STEPS = 64;
const FINGERPRINT = 16;
const NAMES = { m: "steps", t: "temperature", o: "order" };

/** Return the part of a link behind the "#". */
export function toLink(world, session, head) {
  const query = new URLSearchParams({
    w: world.fingerprint.slice(0, FINGERPRINT),
    s: String(session.start.seed),
  });
  const { number, ids } = session.start.prompt;
  if (number === null) query.set("i", packIds(ids));
  else query.set("p", String(number));
  query.set("k", deeds(session, head, world.settings).join("*"));
  return query.toString();
}

function deeds(session, head, settings) {
  const found = [];
  let now = settings;
  let run = null;
  for (const record of session.line(head)) {
    const frame = session.frames[record];
    if (frame.parent === null && !frame.edited) continue; // the prompt
    // An edited frame was sampled first, then changed.
    if (frame.parent !== null) {
      for (const [letter, name] of Object.entries(NAMES)) {
        if (frame.settings[name] === now[name]) continue;
        found.push(`${letter}${frame.settings[name]}`);
        run = null;
      }
      now = frame.settings;
      if (run?.action === frame.action) run.count += 1;
      else found.push((run = { action: frame.action, count: 1 }));
    }
    if (frame.edited) {
      found.push(`e${packIds(frame.ids)}`);
      run = null;
    }
  }
  return found.map((deed) => (typeof deed === "string" ? deed : `${deed.action}x${deed.count}`));
}

/**
 * Read the part of a link behind the "#".
 *
 * @returns {?{seed: number, prompt: {number: ?number, ids: number[]}, deeds: object[]}} null if
 *   there is none
 * @throws {Error} in words for the player, if it is of another world or damaged
 */
export function fromLink(world, hash) {
  const query = new URLSearchParams(hash.replace(/^#/, ""));
  if (!query.has("k")) return null;
  if (query.get("w") !== world.fingerprint.slice(0, FINGERPRINT)) {
    throw new Error("this link is of another world, or of another version of this one");
  }
  const seed = Number(query.get("s"));
  if (!Number.isSafeInteger(seed) || seed < 0) throw damaged("its seed");
  return { seed, prompt: readPrompt(world, query), deeds: readDeeds(world, query.get("k")) };
}

function readPrompt(world, query) {
  if (query.has("i")) return { number: null, ids: unpackIds(world, query.get("i")) };
  const number = Number(query.get("p"));
  if (!world.prompts[number]) throw damaged("its first picture");
  return { number, ids: world.prompts[number].ids };
}

function readDeeds(world, text) {
  let frames = 0;
  return text.split("*").filter(Boolean).map((deed) => {
    const keys = /^(\d+)x(\d+)$/.exec(deed);
    if (keys) {
      const [action, count] = [Number(keys[1]), Number(keys[2])];
      frames += count;
      if (action >= world.actions.length || frames > MOST_FRAMES) throw damaged("its keys");
      return { action, count };
    }
    if (deed[0] === "e") return { ids: unpackIds(world, deed.slice(1)) };
    return { setting: readSetting(deed) };
  });
}

function readSetting(deed) {
  const [name, value] = [NAMES[deed[0]], deed.slice(1)];
  const number = Number(value);
  const fits = {
    steps: Number.isInteger(number) && number >= 1 && number <= MOST_STEPS,
    temperature: value !== "" && number >= 0 && number <= 10,
    order: ["confidence", "random", "anchored"].includes(value),
  };
  if (!name || !fits[name]) throw damaged("its settings");
  return { [name]: name === "order" ? value : number };
}

function damaged(what) {
  return new Error(`this link is damaged: ${what} cannot be read`);
}

/** Return token ids as base64url, two bytes each. */
export function packIds(ids) {
  const bytes = [...ids].flatMap((id) => [id & 255, id >> 8]);
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function unpackIds(world, text) {
  let bytes;
  try {
    bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    throw damaged("a picture in it");
  }
  const ids = Array.from({ length: bytes.length / 2 }, (_, n) =>
    bytes.charCodeAt(2 * n) + 256 * bytes.charCodeAt(2 * n + 1));
  if (ids.length !== world.grid[0] * world.grid[1] || ids.some((id) => id >= world.codes)) {
    throw damaged("a picture in it");
  }
  return ids;
}
