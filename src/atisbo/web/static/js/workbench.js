// Puts the workbench together: tray, stage and findings around one collection of images.

import { answered, explanation, sentence } from "./answers.js";
import { Collection } from "./collection.js";
import { Correction } from "./correct.js";
import { Findings } from "./findings.js";
import { Intake } from "./intake.js";
import { listenToKeys } from "./keys.js";
import { Live } from "./live.js";
import { Permit } from "./permit.js";
import { Review } from "./review.js";
import { deleteImage, list, one, some, undoDeletion } from "./server.js";
import { listenToSheet } from "./sheet.js";
import { Stage } from "./stage.js";
import { Terms } from "./terms.js";
import { Tray } from "./tray.js";
import { say } from "./words.js";

const bench = document.getElementById("bench");
const home = `/a/${bench.dataset.application}`;
const narrow = matchMedia("(max-width: 56rem)");
const collection = new Collection();
const tray = new Tray(collection);
const stage = new Stage();
const findings = new Findings(stage);
const review = new Review(collection, bench.dataset.application);
const correction = new Correction(collection, bench.dataset.layers.split(" "));
let alike = null; // loaded with the first answer
const permit = new Permit(collection, bench.dataset.application);
const histogram = document.getElementById("histogram") && new (await import("./histogram.js")).Histogram();
const intake = new Intake(bench, collection, new Terms("agreed" in bench.dataset));

function show(item) {
  stage.show(item).catch(() => null);
  findings.show(item);
  review.show(item);
  correction.show(item);
  permit.show(item);
  if (alike) alike.show(item);
  else if (answered(item) && document.getElementById("alike")) bringAlike();
  histogram?.show(item);
}

async function bringAlike() {
  const { Alike } = await import("./alike.js");
  alike ??= new Alike(bench.dataset.application);
  alike.show(collection.selected);
}

function address(item) {
  return item?.id ? `${home}/${item.id}` : home;
}

collection.addEventListener("selected", ({ detail: { item, step, quiet } }) => {
  if (item && step) bench.dataset.step = "stage";
  if (!item) bench.dataset.step = "tray";
  show(item);
  if (quiet) return;
  if (narrow.matches && item) history.pushState({ key: item.key }, "", address(item));
  else history.replaceState({ key: item?.key }, "", address(item));
});

collection.addEventListener("changed", ({ detail: { item, before } }) => {
  if (collection.selected === item) {
    show(item);
    if (item.id && location.pathname !== address(item)) history.replaceState({ key: item.key }, "", address(item));
  }
  if (item.status !== before && !["sending", "waiting", "running"].includes(item.status)) announce(item);
});

function announce(item) {
  const failed = item.status === "failed";
  const said = failed ? item.problem : [sentence(item), explanation(item)].join(" ").trim();
  const text = say(failed ? "announce.failed" : "announce.done", { name: item.name, sentence: said });
  document.getElementById("announcer").textContent = text;
}

addEventListener("popstate", () => {
  const { selected } = collection;
  if (correction.back()) return history.pushState({ key: selected?.key }, "", address(selected));
  const id = location.pathname.split("/")[3];
  const item = id ? collection.find(id) : null;
  collection.select(item, { quiet: true, step: true });
});

document.getElementById("to-tray").addEventListener("click", () => collection.select(null));
document.getElementById("another").addEventListener("click", () => document.getElementById("choose").click());
for (const button of document.querySelectorAll("[data-mark-again]")) button.addEventListener("click", () => intake.markAgain());
document.getElementById("again").addEventListener("click", () => intake.retry(collection.selected));

const dialog = document.getElementById("delete-dialog");
document.getElementById("delete").addEventListener("click", () => {
  dialog.querySelector("[data-slot=name]").textContent = collection.selected.name;
  dialog.querySelector("[data-slot=problem]").hidden = true;
  dialog.showModal();
});
document.getElementById("delete-confirm").addEventListener("click", async () => {
  const item = collection.selected;
  try {
    const { id } = item.prediction.image;
    const undo = await deleteImage(id);
    const gone = collection.all.filter((one) => one.prediction?.image.id === id);
    for (const one of gone) collection.remove(one);
    dialog.close();
    const { toast } = await import("./toast.js");
    toast(say("deleted", { name: item.name }), say("undo"), async () => {
      await undoDeletion(undo);
      const back = await some(gone.map((one) => one.id));
      for (const prediction of back.items) collection.take(prediction);
      collection.select(collection.find(item.id), { step: true });
    });
  } catch (refusal) {
    Object.assign(dialog.querySelector("[data-slot=problem]"), { textContent: refusal.message, hidden: false });
  }
});

const more = document.getElementById("tray-more");
async function older() {
  const page = await list(bench.dataset.application, more.dataset.before);
  for (const prediction of page.items) if (!collection.find(prediction.id)) collection.take(prediction);
  more.dataset.before = page.next ?? "";
  more.hidden = !page.next;
}
more.addEventListener("click", older);

async function start() {
  listenToKeys({ tray, stage, review, correction, intake });
  listenToSheet();
  review.load();
  await older();
  new Live(collection, bench.dataset.application);
  const wanted = bench.dataset.selected;
  if (wanted && !collection.selected) collection.select(collection.find(wanted) ?? collection.take(await one(wanted)), { quiet: true, step: true });
}

start();
