// What a point's colour and shape say: its class, where it comes from, or whether two opinions agree.

import { capital, label, say } from "./words.js";

const COLOURS = ["#f2a93b", "#5ab8f0", "#43cf9e", "#f1e05a", "#e58cbf", "#ff8a65", "#9aa4ff", "#c3e88d", "#c9b6a3"];
const NONE = "#8a8883";
const OPINIONS = { agrees: "#43cf9e", differs: "#ff8a65" };

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);

/** Groups of a colouring: {key, word, colour, shape, indices}; every point is in one. */
export function groups(points, by, names) {
  const key = KEYS[by](points);
  const order = ORDER[by] ?? [...names, ...new Set(points.label.filter((one) => one && !names.includes(one)))];
  const found = [...order, null].map((one, at) => ({
    key: one,
    word: one === null ? say("map.none") : (ORDER[by] ? say(`map.${one}`) : capital(label(one))),
    colour: one === null ? NONE : (OPINIONS[one] ?? COLOURS[at % COLOURS.length]),
    shape: one === null ? 0 : at % 5,
    indices: [],
  }));
  const places = new Map(found.map((group) => [group.key, group]));
  for (let at = 0; at < points.id.length; at += 1) (places.get(key(at)) ?? places.get(null)).indices.push(at);
  return found.filter(({ indices }) => indices.length);
}

/** Colours, shapes and kinds for the cloud; ``hidden`` are keys of groups, ``chosen`` indices. */
export function paint(count, found, hidden, chosen) {
  const colours = new Array(count).fill([1, 1, 1]);
  const shapes = new Array(count).fill(0);
  const kinds = new Array(count).fill(1);
  for (const { key, colour, shape, indices } of found)
    for (const at of indices) {
      colours[at] = rgb(colour);
      shapes[at] = shape;
      if (hidden.has(key)) kinds[at] = 0;
    }
  for (const at of chosen) if (kinds[at]) kinds[at] = 2;
  return { colours, shapes, kinds };
}

const ORDER = {
  source: ["collection", "mine", "shared"],
  answer: ["agrees", "differs"],
  kin: ["agrees", "differs"],
};

const KEYS = {
  label: (points) => (at) => points.label[at],
  source: (points) => (at) => points.source[at],
  answer: (points) => (at) => (points.reviewed[at] && points.answer[at] ? agreement(points.answer[at], points.label[at]) : null),
  kin: (points) => (at) => (points.kin[at] && points.label[at] ? agreement(points.kin[at], points.label[at]) : null),
};

function agreement(one, other) {
  return one === other ? "agrees" : "differs";
}

/** Pairs of classes whose pictures lie among each other's: {one, other, indices, all}, the most mixed first. */
export function overlaps(points) {
  const sizes = new Map();
  const pairs = new Map();
  for (let at = 0; at < points.id.length; at += 1) {
    const [own, kin] = [points.label[at], points.kin[at]];
    if (!own) continue;
    sizes.set(own, (sizes.get(own) ?? 0) + 1);
    if (!kin || kin === own) continue;
    const names = [own, kin].sort();
    const pair = pairs.get(names.join("\n")) ?? { one: names[0], other: names[1], indices: [] };
    pair.indices.push(at);
    pairs.set(names.join("\n"), pair);
  }
  const all = ({ one, other }) => (sizes.get(one) ?? 0) + (sizes.get(other) ?? 0);
  return [...pairs.values()].map((pair) => ({ ...pair, all: all(pair) })).sort((a, b) => b.indices.length - a.indices.length);
}

/** A mark of a group's colour and shape, for the legend. */
export function mark({ colour, shape }) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", SHAPES[shape]);
  path.setAttribute("fill", colour);
  svg.append(path);
  return svg;
}

const SHAPES = [
  "M8 1a7 7 0 1 0 .01 0Z",
  "M2 2h12v12H2Z",
  "M8 1.5 15 14H1Z",
  "M8 .5 15.500 8 8 15.500.500 8Z",
  "M5.700 1h4.600v4.700H15v4.600h-4.700V15H5.700v-4.700H1V5.700h4.700Z",
];
