// The picture of the row in sight, large, and what can be said of it.

import { explanation, sentence } from "./answers.js";
import { answeredLabel, reviewable } from "./batch-label.js";
import { label, say, score } from "./words.js";

export class View {
  #root = document.getElementById("batch-view");
  #image = this.#root.querySelector("img");
  #item = null;
  #application;

  constructor(application, labels) {
    this.#application = application;
    this.#root.addEventListener("click", ({ target }) => {
      const button = target.closest("[data-label], [data-verdict]");
      if (button?.dataset.label) labels.name(this.#item, button.dataset.label);
      else if (button) labels.judge(this.#item, button.dataset.verdict);
      if (target.closest("[data-shut]")) this.#root.removeAttribute("data-opened");
    });
    this.#image.addEventListener("error", () => this.#root.setAttribute("data-bare", ""));
    this.#image.addEventListener("load", () => this.#root.removeAttribute("data-bare"));
  }

  /** On a small screen the picture covers the table; a tap on a row opens it. */
  open() {
    this.#root.setAttribute("data-opened", "");
  }

  show(item) {
    this.#item = item;
    this.#root.toggleAttribute("data-empty", !item);
    if (!item) return;
    const slot = (name) => this.#root.querySelector(`[data-slot=${name}]`);
    const source = large(item);
    if (source && this.#image.getAttribute("src") !== source) this.#image.src = source;
    if (!source) this.#image.removeAttribute("src");
    this.#image.hidden = !source;
    this.#image.alt = item.name;
    slot("name").textContent = item.path ?? item.name;
    slot("sentence").textContent = item.status === "queued" ? say("queued") : sentence(item);
    slot("explanation").textContent = item.trouble ?? explanation(item);
    slot("link").hidden = !item.id;
    slot("link").href = item.id ? `/a/${this.#application}/${item.id}` : "#";
    slot("again").hidden = item.status !== "failed" || !item.open;
    slot("judge").hidden = !reviewable(item);
    this.#labels(item);
    for (const button of this.#root.querySelectorAll("[data-verdict]"))
      button.setAttribute("aria-pressed", String(button.dataset.verdict === item.review?.verdict));
  }

  /** One button for each class, as long as its probability; the one that was said is marked. */
  #labels(item) {
    const { probabilities = {} } = item.prediction?.findings ?? {};
    for (const button of this.#root.querySelectorAll("[data-label]")) {
      const name = button.dataset.label;
      const value = probabilities[name];
      button.style.setProperty("--share", value ?? 0);
      button.querySelector("[data-slot=value]").textContent = value === undefined ? "" : score(value);
      button.setAttribute("aria-pressed", String(item.review?.label === name));
      button.toggleAttribute("data-answered", answeredLabel(item) === name);
      button.setAttribute("aria-label", `${label(name)}${value === undefined ? "" : ` ${score(value)}`}`);
    }
  }
}

/** With its outline where there is one. */
function large({ prediction, picture, status }) {
  const links = prediction?.links ?? {};
  const answered = ["done", "unsure", "refused"].includes(status);
  if (answered && links.overlay && prediction.findings?.task === "segmentation" && !prediction.findings.empty) return links.overlay;
  return picture ?? (answered ? links.preview : null);
}
