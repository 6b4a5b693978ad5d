// The table: one row for each picture, in the order and with the filter that the reader chose. Rows out of sight cost nothing.

import { certainty, outlines } from "./answers.js";
import { reviewable } from "./batch-label.js";
import { capital, label, say, score } from "./words.js";

const TOGETHER_MS = 60;
const SHAPES = { queued: "waiting" };

/** Tells ``arranged`` after every change of what is seen, ``opened`` when a row is pressed. */
export class Rows extends EventTarget {
  #collection;
  #body = document.getElementById("batch-rows");
  #template = document.getElementById("batch-row");
  #rows = new Map();
  #sift;
  #shown = [];
  #pending = false;
  #marked = null;

  constructor(collection, sift) {
    super();
    this.#collection = collection;
    this.#sift = sift;
    collection.addEventListener("added", ({ detail }) => this.#add(detail.item));
    collection.addEventListener("changed", ({ detail }) => this.#change(detail.item));
    collection.addEventListener("selected", ({ detail }) => this.#mark(detail.item));
    sift.addEventListener("changed", () => this.arrange());
  }

  /** The items that are seen, in their order. */
  get shown() {
    return this.#shown;
  }

  walk(by) {
    const at = this.#shown.indexOf(this.#collection.selected);
    const next = this.#shown[at < 0 ? 0 : Math.min(Math.max(at + by, 0), this.#shown.length - 1)];
    if (!next) return;
    this.#collection.select(next);
    const row = this.#rows.get(next.key);
    row.scrollIntoView({ block: "nearest" });
    row.focus({ preventScroll: true });
  }

  /** Once for everything that changes within a moment. */
  arrange() {
    if (this.#pending) return;
    this.#pending = true;
    setTimeout(() => {
      this.#pending = false;
      this.#arrange();
    }, TOGETHER_MS);
  }

  #arrange() {
    const wanted = this.#sift.apply(this.#collection.all);
    const seen = new Set(wanted.map(({ key }) => key));
    for (const [key, row] of this.#rows) if (row.hidden === seen.has(key)) row.hidden = !row.hidden;
    const same = wanted.length === this.#shown.length && wanted.every((item, at) => item === this.#shown[at]);
    this.#shown = wanted;
    if (!same) {
      this.#body.append(...wanted.map(({ key }) => this.#rows.get(key)));
      wanted.forEach(({ key }, at) => this.#rows.get(key).setAttribute("aria-rowindex", at + 2));
      this.#body.parentElement.setAttribute("aria-rowcount", wanted.length + 1);
    }
    this.dispatchEvent(new Event("arranged"));
  }

  #add(item) {
    const row = this.#template.content.firstElementChild.cloneNode(true);
    row.dataset.key = item.key;
    row.addEventListener("click", () => {
      this.#collection.select(item);
      this.dispatchEvent(new Event("opened"));
    });
    row.addEventListener("focus", () => this.#collection.select(item));
    this.#rows.set(item.key, row);
    this.#body.append(row);
    this.#change(item);
  }

  #change(item) {
    this.#fill(this.#rows.get(item.key), item);
    this.arrange();
  }

  #fill(row, item) {
    const slot = (name) => row.querySelector(`[data-slot=${name}]`);
    slot("name").textContent = item.name;
    slot("folder").textContent = folder(item);
    row.title = item.path ?? item.name;
    const state = row.querySelector(".state");
    state.dataset.state = item.status;
    state.querySelector("use").setAttribute("href", `#state-${SHAPES[item.status] ?? item.status}`);
    slot("word").textContent = say(item.status);
    const said = answer(item);
    const named = item.review?.label && item.review.verdict === "wrong" ? capital(label(item.review.label)) : "";
    slot("answer").textContent = said;
    slot("answer").toggleAttribute("data-overruled", item.review?.verdict === "wrong");
    slot("label").textContent = named;
    slot("reviewed").dataset.verdict = item.review?.verdict ?? "";
    slot("reviewed").querySelector("span").textContent = item.review ? say(`reviewed.${item.review.verdict}`) : "";
    const why = item.trouble ?? item.problem ?? "";
    slot("problem").textContent = why;
    row.toggleAttribute("data-why", !!why);
    this.#meter(slot("certainty"), item);
    this.#picture(row, item);
  }

  #meter(cell, item) {
    const value = certainty(item);
    cell.hidden = value === null;
    if (value === null) return;
    cell.style.setProperty("--share", value);
    cell.toggleAttribute("data-unsure", item.status === "unsure");
    cell.querySelector("[data-slot=value]").textContent = score(value);
  }

  #picture(row, item) {
    const image = row.querySelector("img");
    const source = item.picture ?? (reviewable(item) ? item.prediction.links.thumbnail : null);
    if (!source || image.getAttribute("src") === source) return;
    image.addEventListener("error", () => this.#instead(image, item), { once: true });
    image.hidden = false;
    image.src = source;
  }

  /** A kind of file that this browser cannot show: the service's picture, once there is one. */
  #instead(image, item) {
    image.hidden = true;
    if (item.picture?.startsWith("blob:")) this.#collection.change(item, { picture: null });
  }

  #mark(item) {
    const row = this.#rows.get(item?.key);
    this.#marked?.setAttribute("aria-selected", "false");
    if (this.#marked) this.#marked.tabIndex = -1;
    row?.setAttribute("aria-selected", "true");
    if (row) row.tabIndex = 0;
    this.#marked = row;
  }
}

function folder({ path, name }) {
  return path && path !== name ? path.slice(0, -name.length - 1) : "";
}

/** The network's answer in a word or two. */
export function answer(item) {
  const findings = item.prediction?.findings;
  if (!findings) return "";
  if (findings.task === "classification") return capital(label(findings.label));
  return outlines(findings).empty ? say("nothing") : capital(label(findings.label));
}
