// What the answer rests on: where hiding the picture weakened it most, as colours over the part that was analysed.

import { heatmap } from "./server.js";
import { label, say } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";

export class Heat {
  #stage = document.getElementById("stage");
  #tools = document.getElementById("heat-tools");
  #button = document.getElementById("heat-toggle");
  #legend = document.getElementById("heat-legend");
  #svg = this.#stage.querySelector("[data-heat-map]");
  #item = null;
  #resized;

  /** ``resized`` is called when the legend takes room from the picture or gives it back. */
  constructor(resized) {
    this.#resized = resized;
    this.#button?.addEventListener("click", () => this.toggle());
    const opacity = document.getElementById("heat-opacity");
    opacity?.addEventListener("input", () => this.#stage.style.setProperty("--heat", opacity.value / 100));
  }

  show(item) {
    if (!this.#button) return;
    if (this.#item !== item && this.#on) this.#set(false);
    this.#item = item;
    this.#tools.disabled = !item?.prediction?.links.heatmap;
  }

  async toggle() {
    if (!this.#button || this.#tools.disabled) return;
    this.#set(!this.#on);
    this.#resized();
    if (this.#on) await this.#ask(this.#item);
  }

  get #on() {
    return this.#stage.hasAttribute("data-heat");
  }

  #set(on) {
    this.#stage.toggleAttribute("data-heat", on);
    this.#button.setAttribute("aria-pressed", String(on));
    this.#legend.hidden = !on;
    if (!on) this.#svg.replaceChildren();
  }

  /** It is made when it is first asked for, behind everybody's answers: ask until it is there. */
  async #ask(item) {
    let found = item.heat ?? { state: "pending" };
    this.#say(found);
    try {
      while (found.state === "pending" && this.#wanted(item)) found = await heatmap(item.id);
      if (found.state !== "pending") item.heat = found;
    } catch (refusal) {
      found = { state: "problem", detail: refusal.message };
    }
    if (!this.#wanted(item)) return;
    this.#say(found);
    if (found.picture) this.#draw(item.prediction, found.picture);
  }

  #wanted(item) {
    return this.#on && this.#item === item;
  }

  #say({ state, detail, label: named }) {
    this.#legend.dataset.state = state;
    const text = { pending: () => say("heat.pending"), ready: () => say("heat.ready", { answer: label(named) }) };
    this.#legend.querySelector("[data-slot=heat]").textContent = text[state]?.() ?? detail;
  }

  #draw({ image, region }, picture) {
    const { x, y, width, height } = region ?? { x: 0, y: 0, ...image };
    this.#svg.setAttribute("viewBox", `0 0 ${image.width} ${image.height}`);
    const drawn = document.createElementNS(SVG, "image");
    for (const [name, value] of Object.entries({ href: picture, x, y, width, height, preserveAspectRatio: "none" }))
      drawn.setAttribute(name, value);
    this.#svg.replaceChildren(drawn);
  }
}
