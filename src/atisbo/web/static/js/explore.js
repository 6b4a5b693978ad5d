// The map of an application's pictures: turned, coloured, selected from, gone through, saved.

import { Cloud } from "./cloud.js";
import { List, picture } from "./explore-list.js";
import { groups, mark, overlaps, paint } from "./explore-paint.js";
import { saveMap } from "./explore-save.js";
import { map } from "./server.js";
import { TILES } from "./sprites.js";
import { capital, label, moment, say, sayMany, whole } from "./words.js";

const AGAIN_MS = 2500;
const FEW = 400; // pictures that are drawn as such from the start
const AT_ONCE = 6;
const root = document.getElementById("map");
const { application } = root.dataset;
const names = root.dataset.names.split(" ");
const canvas = root.querySelector("canvas");
const hint = document.getElementById("map-hint");
const form = document.getElementById("map-form");
const list = new List(root.dataset);
const hidden = new Set();
let cloud = null;
let known = null;
let shown = null;
let found = [];

const chosen = () => Object.fromEntries(new FormData(form));

function place() {
  const { space, method } = chosen();
  const flat = space === "2d";
  const places = method === "pca" ? (flat ? known.points.pca.map((at) => at.slice(0, 2)) : known.points.pca) : flat ? known.points.flat : known.points.umap;
  cloud?.place(places, flat);
}

function colour() {
  found = groups(known.points, chosen().by, names);
  repaint();
  legend();
}

function repaint() {
  const { colours, shapes, kinds } = paint(known.points.id.length, found, hidden, list.indices);
  cloud?.paint(colours, shapes, kinds);
}

function legend() {
  const rows = found.map((group) => {
    const row = document.getElementById("map-group").content.firstElementChild.cloneNode(true);
    row.querySelector("[data-slot=mark]").append(mark(group));
    row.querySelector("[data-slot=word]").textContent = group.word;
    row.querySelector("[data-slot=count]").textContent = group.indices.length;
    const box = row.querySelector("input");
    box.checked = !hidden.has(group.key);
    box.addEventListener("change", () => {
      if (box.checked) hidden.delete(group.key);
      else hidden.add(group.key);
      repaint();
    });
    row.querySelector("button").addEventListener("click", () => list.select(group.indices));
    return row;
  });
  document.getElementById("map-legend").replaceChildren(...rows);
}

function mixed() {
  const pairs = overlaps(known.points);
  const rows = pairs.map(({ one, other, indices, all }) => {
    const row = document.getElementById("map-pair").content.firstElementChild.cloneNode(true);
    const values = { one: capital(label(one)), other: label(other), count: indices.length, all, share: whole(indices.length / all) };
    row.querySelector("[data-slot=pair]").textContent = say("map.pair", values);
    row.querySelector("[data-slot=count]").textContent = say("map.mixed", values);
    row.style.setProperty("--share", indices.length / all);
    row.addEventListener("click", () => list.select(indices));
    const cell = document.createElement("li");
    cell.append(row);
    return cell;
  });
  document.getElementById("map-pairs").replaceChildren(...rows);
  document.getElementById("map-unmixed").hidden = rows.length > 0;
}

function made() {
  const { computed_at: when, count, waiting, computing, points, explained } = known;
  const parts = [];
  if (when) parts.push(say("map.made", { time: moment(when), count }));
  if (when && points.id.length !== count) parts.push(sayMany("map.seen", points.id.length));
  if (when && waiting) parts.push(sayMany(computing ? "map.coming" : "map.waiting", waiting));
  if (when && chosen().method === "pca") parts.push(say("map.explained", { share: whole(explained.slice(0, chosen().space === "2d" ? 2 : 3).reduce((a, b) => a + b, 0)) }));
  document.getElementById("map-made").textContent = parts.join(" ");
  const empty = !points.id.length;
  root.toggleAttribute("data-empty", empty);
  document.getElementById("map-message").hidden = !empty;
  document.getElementById("map-computing").hidden = !computing;
  document.getElementById("map-nothing").hidden = computing;
}

function learn(said) {
  const before = known;
  known = said;
  if (before?.computed_at !== said.computed_at || !before) {
    list.points = said.points;
    if (said.points.id.length) {
      place();
      colour();
      mixed();
      cloud?.forget();
      const box = form.elements.pictures;
      if (!before) box.checked = said.points.id.length <= FEW;
      pictures(box.checked);
    }
  }
  made();
  if (said.computing || !said.points.id.length) setTimeout(look, AGAIN_MS);
}

function look() {
  return map(application)
    .then(learn)
    .catch(({ message }) => {
      Object.assign(document.getElementById("map-problem"), { textContent: message, hidden: false });
    });
}

/** Small pictures in place of points: asked for a few at a time, spread evenly where there are many. */
async function pictures(on) {
  if (!cloud) return;
  cloud.pictures = on;
  cloud.refresh();
  const { id } = known.points;
  if (!on || shown === known) return;
  shown = known;
  const count = Math.min(id.length, TILES);
  const wanted = Array.from({ length: count }, (_, at) => Math.floor((at * id.length) / count));
  const work = async () => {
    for (let at = wanted.pop(); at !== undefined && shown === known && cloud.pictures; at = wanted.pop()) {
      const answer = await fetch(picture(id[at], "thumbnail")).catch(() => null);
      if (answer?.ok) cloud.show(at, await createImageBitmap(await answer.blob()));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

function point({ index, x, y }) {
  hint.hidden = index < 0;
  if (index < 0) return;
  const { id, name, label: labels } = known.points;
  hint.querySelector("img").src = picture(id[index], "thumbnail");
  hint.querySelector("strong").textContent = labels[index] ? capital(label(labels[index])) : "";
  hint.querySelector("span").textContent = name[index];
  const room = canvas.getBoundingClientRect();
  hint.style.setProperty("--x", `${Math.min(Math.max(x, 90), room.width - 90)}px`);
  hint.style.setProperty("--y", `${y}px`);
  hint.toggleAttribute("data-below", y < 190);
}

try {
  cloud = new Cloud(canvas, document.getElementById("map-loop"));
  cloud.addEventListener("hover", ({ detail }) => point(detail));
  cloud.addEventListener("pick", ({ detail }) => list.select(detail.indices));
  cloud.addEventListener("restored", () => {
    shown = null;
    repaint();
    pictures(form.elements.pictures.checked);
  });
} catch {
  document.getElementById("map-plain").hidden = false;
}

form.addEventListener("change", ({ target }) => {
  if (target.name === "lasso") return lasso(target.checked);
  if (!known?.points.id.length) return;
  if (target.name === "pictures") return pictures(target.checked);
  if (target.name === "by") hidden.clear();
  if (target.name === "by") colour();
  else place();
  made();
});
form.addEventListener("submit", (event) => event.preventDefault());

function lasso(on) {
  if (cloud) cloud.lasso = on;
  canvas.style.cursor = on ? "crosshair" : "grab";
}

document.getElementById("map-fit").addEventListener("click", () => cloud?.fit());
document.getElementById("map-save").addEventListener("click", ({ currentTarget }) => {
  if (known?.points.id.length) saveMap(currentTarget, { points: known.points, found, chosen: chosen(), title: document.title, made: document.getElementById("map-made").textContent, application });
});
list.addEventListener("changed", () => known && repaint());
list.addEventListener("labelled", ({ detail: { at, label: named } }) => {
  known.points.label[at] = named;
  known.points.reviewed[at] = true;
  colour();
  mixed();
});

look();
