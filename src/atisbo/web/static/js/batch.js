// Many pictures at once: what was chosen goes out, the table fills, and what is wrong is put right.

import { BatchLive } from "./batch-live.js";
import { Labels } from "./batch-label.js";
import { csv, json } from "./batch-out.js";
import { Rows } from "./batch-rows.js";
import { Sender } from "./batch-send.js";
import { Sift } from "./batch-sift.js";
import { View } from "./batch-view.js";
import { Collection } from "./collection.js";
import { listenToDrops } from "./drop.js";
import { chosen, dropped, pictures } from "./folders.js";
import { save } from "./save.js";
import { list, Refusal, reviews } from "./server.js";
import { Terms } from "./terms.js";
import { say, sayMany } from "./words.js";

const EARLIER = 200;
const TYPING = "input:not([type=range]), textarea, select";
const root = document.getElementById("batch");
const { application } = root.dataset;
const collection = new Collection();
const labels = new Labels(collection);
const sift = new Sift();
const rows = new Rows(collection, sift);
const view = new View(application, labels);
const terms = new Terms("agreed" in root.dataset);
const sender = new Sender(collection, terms, root.dataset);
const line = document.getElementById("batch-line");
const heard = new Map();
let passedOver = 0;

async function take(found) {
  tell();
  try {
    const { kept, passed } = await pictures(await found);
    if (!kept.length) return tell(say("batch.none"));
    if (!(await terms.ask())) return;
    const items = kept.map(({ path, size, open }) => collection.begin({ status: "queued", name: path.split("/").at(-1), path, size, open, sent: true }));
    sift.sent = true;
    sender.add(items);
    passedOver += passed;
    collection.select(items[0]);
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    tell(refusal.message);
  }
}

function tell(text = "") {
  Object.assign(document.getElementById("batch-problem"), { textContent: text, hidden: !text });
}

for (const input of document.querySelectorAll("#batch-folder, #batch-files")) {
  input.addEventListener("change", () => {
    take(chosen(input)).finally(() => (input.value = ""));
  });
}
for (const button of document.querySelectorAll("[data-choose]"))
  button.addEventListener("click", () => document.getElementById(button.dataset.choose).click());
listenToDrops(take, dropped);

collection.addEventListener("selected", ({ detail: { item } }) => view.show(item));
rows.addEventListener("opened", () => view.open());
collection.addEventListener("changed", ({ detail: { item } }) => {
  if (item === collection.selected) view.show(item);
});
collection.addEventListener("added", ({ detail: { item } }) => {
  const review = heard.get(item.id);
  if (review) collection.change(item, { stored: review, review });
});

function again(items) {
  sender.add(items.filter((item) => item.status === "failed" && item.open).map((item) => Object.assign(item, { id: null, prediction: null })));
}
document.getElementById("batch-again").addEventListener("click", () => again(collection.all));
document.querySelector("[data-slot=again]").addEventListener("click", () => again([collection.selected]));

const undo = document.getElementById("batch-undo");
function takeBack() {
  const item = labels.undo();
  if (item) collection.select(item);
}
undo.addEventListener("click", takeBack);
labels.addEventListener("changed", () => (undo.disabled = !labels.undoable));

document.getElementById("batch-csv").addEventListener("click", () => save(`atisbo-${application}.csv`, csv(rows.shown), "text/csv;charset=utf-8"));
document.getElementById("batch-json").addEventListener("click", () =>
  save(`atisbo-${application}.json`, json(rows.shown, root.dataset.notice), "application/json"),
);

rows.addEventListener("arranged", () => {
  const items = collection.all.filter(({ sent }) => sent);
  const open = items.filter(({ status }) => ["queued", "sending", "waiting", "running"].includes(status)).length;
  const failed = items.filter(({ status }) => status === "failed");
  root.toggleAttribute("data-empty", !collection.all.length);
  const progress = root.querySelector("progress");
  progress.hidden = !items.length || !open;
  Object.assign(progress, { max: items.length || 1, value: items.length - open });
  const parts = [items.length ? say("batch.progress", { done: items.length - open, all: items.length }) : ""];
  if (failed.length) parts.push(sayMany("batch.failed", failed.length));
  if (passedOver) parts.push(sayMany("batch.passed", passedOver));
  if (rows.shown.length !== (items.length || collection.all.length)) parts.push(sayMany("batch.shown", rows.shown.length));
  line.textContent = parts.filter(Boolean).join(" · ");
  document.getElementById("batch-again").hidden = !failed.some((item) => item.open);
  document.getElementById("batch-none").hidden = rows.shown.length > 0 || !collection.all.length;
});

const classes = [...document.querySelectorAll("#batch-view [data-label]")].map((button) => [button.dataset.key, button.dataset.label]);
const verdicts = { y: "right", n: "wrong", u: "unknown" };
const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e6, End: 1e6 };
document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.altKey || document.querySelector("dialog[open]")) return;
  const low = key.toLowerCase();
  const back = low === "z" && !target.matches(TYPING);
  if ((event.ctrlKey || event.metaKey) && !back) return;
  if (key === "Escape") return document.getElementById("batch-view").removeAttribute("data-opened");
  if (target.matches(TYPING) || (target.matches("input") && key in moves)) return;
  const named = classes.find(([at]) => at === low)?.[1];
  const item = collection.selected;
  if (key in moves) rows.walk(moves[key]);
  else if (back) takeBack();
  else if (named) labels.name(item, named);
  else if (low in verdicts) labels.judge(item, verdicts[low]);
  else if (key === "/") sift.focus();
  else if (key === "?") document.getElementById("keys-dialog").showModal();
  else return;
  event.preventDefault();
});

/** What was sent before: the latest, so that a batch can be gone on with after a pause. */
async function start() {
  document.getElementById("batch-more").open = !matchMedia("(max-width: 56rem)").matches;
  new BatchLive(collection);
  const [page, said] = await Promise.all([list(application, "", EARLIER), reviews(application)]);
  for (const review of said.items) heard.set(review.prediction_id, review);
  for (const prediction of page.items) if (!collection.find(prediction.id)) collection.take(prediction);
  rows.arrange();
}

start();
