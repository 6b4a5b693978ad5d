// The pictures that were selected: gone through one by one, and said what they are where one may.

import { freshKey } from "./collection.js";
import { Labels } from "./batch-label.js";
import { one, reviews } from "./server.js";
import { capital, label, say, sayMany } from "./words.js";

const SHOWN = 48;

export const picture = (id, view) => `/api/v1/pictures/${id}/${view}.jpg`;

/** Tells ``labelled`` with a point and its new label, ``changed`` when another picture or selection is in sight. */
export class List extends EventTarget {
  #root = document.getElementById("map-list");
  #application;
  #curator;
  #points = null;
  #indices = [];
  #at = 0;
  #items = new Map();
  #said = null;
  #labels;

  constructor({ application, curator }) {
    super();
    this.#application = application;
    this.#curator = curator !== undefined;
    const told = new EventTarget();
    this.#labels = new Labels({ change: (item, fields) => (Object.assign(item, fields), told.dispatchEvent(new Event("changed"))) });
    told.addEventListener("changed", () => this.#fill());
    this.#root.addEventListener("click", ({ target }) => this.#click(target));
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  get indices() {
    return this.#indices;
  }

  set points(points) {
    this.#points = points;
    this.select([]);
  }

  select(indices) {
    this.#indices = indices;
    this.#at = 0;
    this.#root.hidden = !indices.length;
    if (indices.length) this.#thumbnails();
    this.#go(0);
  }

  #go(at) {
    this.#at = Math.min(Math.max(at, 0), Math.max(0, this.#indices.length - 1));
    if (this.#indices.length) this.#show();
    this.dispatchEvent(new Event("changed"));
  }

  #slot(name) {
    return this.#root.querySelector(`[data-slot=${name}]`);
  }

  #show() {
    const at = this.#indices[this.#at];
    const { id, name, source, label: labels, kin, answer } = this.#points;
    const image = this.#root.querySelector("figure img");
    image.src = picture(id[at], "preview");
    image.alt = name[at] || say("map.other");
    this.#slot("count").textContent = sayMany("map.selected", this.#indices.length);
    this.#slot("place").textContent = say("map.place", { number: this.#at + 1, all: this.#indices.length });
    this.#slot("name").textContent = name[at] || say("map.other");
    const parts = [labels[at] && capital(label(labels[at])), say(`map.${source[at]}`)];
    if (kin[at] && kin[at] !== labels[at]) parts.push(say("map.among", { label: label(kin[at]) }));
    if (answer[at] && answer[at] !== labels[at]) parts.push(say("map.answered", { label: label(answer[at]) }));
    this.#slot("facts").textContent = parts.filter(Boolean).join(" · ");
    this.#slot("open").href = source[at] === "mine" ? `/a/${this.#application}/${id[at]}` : picture(id[at], "preview");
    for (const button of this.#root.querySelectorAll("[data-index]"))
      button.setAttribute("aria-current", String(Number(button.dataset.index) === this.#at));
    this.#fill();
    if (this.#mayLabel(at)) this.#learn(at);
  }

  #thumbnails() {
    const some = this.#indices.slice(0, SHOWN).map((at, index) => {
      const [button, image] = [document.createElement("button"), document.createElement("img")];
      Object.assign(button, { type: "button", title: this.#points.name[at] });
      button.dataset.index = index;
      Object.assign(image, { src: picture(this.#points.id[at], "thumbnail"), loading: "lazy", alt: this.#points.name[at] || say("map.other") });
      button.append(image);
      return button;
    });
    this.#slot("thumbnails").replaceChildren(...some);
    const rest = this.#indices.length - some.length;
    this.#slot("rest").textContent = rest > 0 ? sayMany("map.rest", rest) : "";
  }

  #mayLabel(at) {
    return this.#points.source[at] === "mine" || (this.#curator && this.#points.source[at] === "shared");
  }

  /** What the service knows of a prediction, before it can be said anew what it shows. */
  async #learn(at) {
    const id = this.#points.id[at];
    if (this.#items.has(id)) return;
    this.#said ??= this.#all();
    const [prediction, said] = [await one(id).catch(() => null), await this.#said];
    if (!prediction) return;
    const review = said.get(id) ?? null;
    this.#items.set(id, { key: freshKey(), id, status: prediction.status, prediction, review, stored: review });
    this.#fill();
  }

  async #all() {
    const found = new Map();
    let before = "";
    do {
      const page = await reviews(this.#application, before).catch(() => ({ items: [], next: null }));
      for (const review of page.items) found.set(review.prediction_id, review);
      before = page.next;
    } while (before);
    return found;
  }

  get #item() {
    return this.#items.get(this.#points?.id[this.#indices[this.#at]]) ?? null;
  }

  #fill() {
    const at = this.#indices[this.#at];
    if (at === undefined) return;
    const item = this.#item;
    this.#slot("labels").hidden = !this.#mayLabel(at);
    this.#slot("trouble").textContent = item?.trouble ?? "";
    for (const button of this.#root.querySelectorAll("[data-label]")) {
      button.disabled = !item;
      button.setAttribute("aria-pressed", String(item?.review?.label === button.dataset.label));
    }
  }

  #name(named) {
    if (!this.#item) return;
    const at = this.#indices[this.#at];
    this.#labels.name(this.#item, named);
    this.dispatchEvent(new CustomEvent("labelled", { detail: { at, label: named } }));
    this.#show();
  }

  #click(target) {
    const { index, label: named, step } = target.closest("[data-index], [data-label], [data-step]")?.dataset ?? {};
    if (index) this.#go(Number(index));
    else if (step) this.#go(this.#at + Number(step));
    else if (named) this.#name(named);
    else if (target.closest("[data-clear]")) this.select([]);
  }

  #key(event) {
    const { key, target } = event;
    if (this.#root.hidden || event.ctrlKey || event.metaKey || event.altKey || target.matches("input, select, canvas")) return;
    const named = [...this.#root.querySelectorAll("[data-label]")].find(({ dataset }) => dataset.key === key.toLowerCase())?.dataset.label;
    if (key === "ArrowRight" || key === "ArrowDown") this.#go(this.#at + 1);
    else if (key === "ArrowLeft" || key === "ArrowUp") this.#go(this.#at - 1);
    else if (named) this.#name(named);
    else return;
    event.preventDefault();
  }
}
