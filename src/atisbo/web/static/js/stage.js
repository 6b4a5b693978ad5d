// The picture and what is drawn on it. State stands in data-* on the stage; the style sheet does the rest.

import { answered } from "./answers.js";
import { Heat } from "./heat.js";
import { draw, frame, light } from "./outline.js";
import { contours } from "./server.js";
import { Viewport } from "./viewport.js";
import { say, whole } from "./words.js";

export class Stage {
  #root = document.getElementById("stage");
  #pane = document.getElementById("viewport");
  #svg = this.#root.querySelector("[data-outline]");
  #message = document.getElementById("stage-message");
  #tools = document.getElementById("answer-tools");
  #item = null;
  #shown = null;
  #looked = null;

  heat = new Heat(() => this.#lookAgain());

  constructor() {
    this.viewport = new Viewport(this.#pane, this.#root);
    this.viewport.addEventListener("zoomed", ({ detail }) => {
      document.getElementById("zoom-level").textContent = this.#item ? whole(detail.scale) : "";
    });
    this.#listen();
  }

  async show(item) {
    const changed = this.#item !== item;
    this.#item = item;
    document.getElementById("stage-welcome").hidden = !!item;
    this.#root.querySelector("[data-slot=name]").textContent = item?.name ?? "";
    const drawn = !!item?.prediction?.links.contours;
    this.#tools.disabled = !drawn;
    this.#root.toggleAttribute("data-unanswered", !drawn);
    this.heat.show(item);
    if (changed) this.#clear();
    if (!item) return;
    await Promise.all([this.#picture(item), answered(item) && this.#answer(item)]);
    if (this.#item === item && item.prediction?.image.width) this.#look(item);
  }

  set view(name) {
    if (this.#tools.disabled) return;
    this.#root.dataset.view = name;
    for (const button of this.#root.querySelectorAll("button[data-view]"))
      button.setAttribute("aria-pressed", String(button.dataset.view === name));
    this.#mask();
    this.viewport.refresh();
  }

  set bare(on) {
    this.#root.toggleAttribute("data-bare", on);
  }

  toggle(name) {
    const on = this.#root.dataset[name] === "off";
    this.#root.dataset[name] = on ? "on" : "off";
    document.getElementById(`${name}-toggle`).setAttribute("aria-pressed", String(on));
  }

  light(region) {
    light(this.#svg, region);
  }

  #clear() {
    this.#shown = this.#looked = null;
    this.#svg.replaceChildren();
    for (const image of this.#pane.querySelectorAll("img")) image.removeAttribute("src");
    this.#say(null);
  }

  /** The local file first; the service's own rendering of it once that is there and loaded. */
  async #picture(item) {
    const rendered = ["done", "unsure", "refused"].includes(item.status) && item.prediction?.links.preview;
    for (const source of [item.picture, rendered]) {
      if (!source || source === this.#shown) continue;
      const size = await measure(source);
      if (this.#item !== item) return;
      if (!size) continue;
      this.#shown = source;
      for (const image of this.#pane.querySelectorAll("[data-picture]")) image.src = source;
      const { width, height } = item.prediction?.image ?? {};
      this.viewport.setSize(width && height ? { width, height } : size);
    }
    this.#say(this.#shown ? null : item);
  }

  /** The outlines of an item's answer, fetched once; null where it has none. */
  async contours(item) {
    if (!item.prediction?.links.contours) return null;
    item.contours ??= contours(item.id).catch(() => (item.contours = null));
    return item.contours;
  }

  async #answer(item) {
    const found = await this.contours(item);
    if (this.#item !== item) return;
    const { image, region } = item.prediction;
    if (!found && !image.width) return;
    draw(this.#svg, found ?? { features: [], width: image.width, height: image.height });
    if (region) frame(this.#svg, region);
    this.#mask();
  }

  /** Where a part was marked, the eye goes there first. */
  #look(item) {
    const region = item.prediction?.region;
    if (!region || this.#looked === item || !this.#shown) return;
    this.#looked = item;
    this.viewport.look(region);
  }

  #lookAgain() {
    const region = this.#item?.prediction?.region;
    if (region) this.viewport.look(region);
  }

  #mask() {
    const image = this.#pane.querySelector("[data-mask]");
    const source = this.#root.dataset.view === "side" && !this.#tools.disabled && this.#item?.prediction?.links.mask;
    if (source && image.getAttribute("src") !== source) image.src = source;
  }

  #say(item) {
    this.#message.hidden = !item;
    if (!item) return;
    this.#message.dataset.state = item.status;
    this.#message.querySelector("use").setAttribute("href", `#state-${item.status}`);
    this.#message.querySelector("[data-slot=title]").textContent = say(item.status);
    const reason = item.status === "failed" ? "" : item.picture ? say("stage.unseen") : say("stage.waiting");
    this.#message.querySelector("[data-slot=text]").textContent = reason;
  }

  #listen() {
    const opacity = document.getElementById("opacity");
    opacity.addEventListener("input", () => this.#root.style.setProperty("--fill", opacity.value / 100));
    document.getElementById("divider").addEventListener("input", ({ target }) => this.#root.style.setProperty("--split", target.value / 100));
    for (const name of ["overlay", "contour"]) document.getElementById(`${name}-toggle`).addEventListener("click", () => this.toggle(name));
    this.#root.addEventListener("click", (event) => {
      const { view, zoom } = event.target.closest("button")?.dataset ?? {};
      if (view) this.view = view;
      if (zoom === "fit") this.viewport.fit();
      else if (zoom) this.viewport.zoomBy(zoom === "in" ? 1.4 : 1 / 1.4);
      if (event.detail && event.target.closest(".stage-bar button")) this.#pane.focus({ preventScroll: true });
    });
  }
}

async function measure(source) {
  const image = new Image();
  image.src = source;
  try {
    await image.decode();
  } catch {
    return null;
  }
  return { width: image.naturalWidth, height: image.naturalHeight };
}
