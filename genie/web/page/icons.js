// The signs on the buttons, drawn as lines: fonts of phones lack some of them.

const PATHS = {
  restart: "M4 12a8 8 0 1 0 2.6-5.9M4 4v5h5",
  back: "M15 5l-8 7 8 7z",
  pause: "M8 5v14M16 5v14",
  forward: "M9 5l8 7-8 7z",
  rewind: "M12 5l-8 7 8 7zM20 5l-8 7 8 7z",
  branch: "M6 20V4M6 14c0-5 11-2 11-9M14 8l3-4 3 4",
  fade: "M4 4h11v4M4 4v11h4M9 9h11v11H9z",
  hand: "M4 20l4-1L19 8l-3-3L5 16zM13 8l3 3",
  film: "M4 6h16v12H4zM8 6v12M16 6v12",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
};

/** Return the sign of a command as an element. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const [svg, path] = ["svg", "path"].map((tag) => document.createElementNS(space, tag));
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
