// The list of images: picture, name, state by shape and word, progress.

import { say } from "./words.js";

export class Tray {
  #collection;
  #list = document.getElementById("tray-list");
  #template = document.getElementById("tray-item");
  #filter = document.getElementById("filter");
  #rows = new Map();

  constructor(collection) {
    this.#collection = collection;
    collection.addEventListener("added", ({ detail }) => this.#add(detail.item, detail.first));
    collection.addEventListener("changed", ({ detail }) => this.#fill(detail.item));
    collection.addEventListener("removed", ({ detail }) => this.#remove(detail.item));
    collection.addEventListener("selected", ({ detail }) => this.#mark(detail.item));
    this.#filter.addEventListener("input", () => this.#sift());
  }

  focusFilter() {
    document.getElementById("tray-filter").hidden = false;
    this.#filter.focus();
    this.#filter.select();
  }

  clearFilter() {
    this.#filter.value = "";
    this.#sift();
  }

  /** Select the image ``by`` places further down the list as it is shown. */
  walk(by) {
    const keys = [...this.#list.querySelectorAll("li:not([hidden])")].map((row) => row.dataset.key);
    const at = keys.indexOf(this.#collection.selected?.key);
    const next = keys[at < 0 ? 0 : Math.min(Math.max(at + by, 0), keys.length - 1)];
    const item = this.#collection.all.find(({ key }) => key === next);
    if (!item) return;
    this.#collection.select(item);
    this.#rows.get(next).scrollIntoView({ block: "nearest" });
    if (this.#list.contains(document.activeElement)) this.#rows.get(next).querySelector("a").focus();
  }

  #add(item, first) {
    const row = this.#template.content.firstElementChild.cloneNode(true);
    row.dataset.key = item.key;
    row.querySelector("a").addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      this.#collection.select(item, { step: true });
    });
    this.#rows.set(item.key, row);
    this.#list[first ? "prepend" : "append"](row);
    this.#fill(item);
    this.#count();
  }

  #remove(item) {
    this.#rows.get(item.key)?.remove();
    this.#rows.delete(item.key);
    this.#count();
  }

  #fill(item) {
    const row = this.#rows.get(item.key);
    const link = row.querySelector("a");
    const state = row.querySelector(".state");
    const progress = row.querySelector("progress");
    link.href = item.id ? `/a/${item.prediction.application}/${item.id}` : "#";
    row.querySelector("[data-slot=name]").textContent = item.name;
    link.title = item.name;
    row.querySelector("[data-slot=word]").textContent = say(item.status);
    state.dataset.state = item.status;
    state.querySelector("use").setAttribute("href", `#state-${item.status}`);
    row.querySelector("[data-slot=review]").hidden = !item.review;
    row.querySelector("[data-slot=reviewed]").textContent = item.review ? say("reviewed") : "";
    progress.hidden = item.status !== "sending";
    progress.value = item.progress ?? 0;
    this.#picture(row, item);
    this.#sift(row);
  }

  #picture(row, item) {
    const image = row.querySelector("img");
    const source = item.picture ?? item.prediction?.links.thumbnail;
    const opened = item.picture || !["waiting", "running", "failed"].includes(item.status);
    if (!source || !opened || image.getAttribute("src") === source) return;
    const show = (shown) => {
      image.hidden = !shown;
      row.querySelector("[data-slot=blank]").toggleAttribute("hidden", shown);
    };
    image.addEventListener("load", () => show(true), { once: true });
    image.addEventListener("error", () => show(false), { once: true });
    image.hidden = false;
    image.src = source;
  }

  #mark(item) {
    for (const [key, row] of this.#rows) {
      if (key === item?.key) row.querySelector("a").setAttribute("aria-current", "true");
      else row.querySelector("a").removeAttribute("aria-current");
    }
  }

  #sift(only) {
    const wanted = this.#filter.value.trim().toLowerCase();
    for (const row of only ? [only] : this.#rows.values()) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    document.getElementById("tray-none").hidden = !wanted || !!this.#list.querySelector("li:not([hidden])");
  }

  #count() {
    document.getElementById("tray-filter").hidden = this.#rows.size < 4;
  }
}
