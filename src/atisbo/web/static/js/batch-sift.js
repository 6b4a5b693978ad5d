// What is seen and in which order: by name, state, answer, review and certainty.

import { certainty } from "./answers.js";
import { whole } from "./words.js";

const STATES = ["failed", "refused", "unsure", "done", "running", "waiting", "sending", "queued"];
const order = new Intl.Collator(document.documentElement.lang, { numeric: true });

export class Sift extends EventTarget {
  #form = document.getElementById("batch-sift");
  #heads = [...document.querySelectorAll("[data-sort]")];
  #by = null;
  #down = false;

  constructor() {
    super();
    this.#form.addEventListener("input", () => this.#changed());
    this.#form.addEventListener("reset", () => setTimeout(() => this.#changed()));
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    for (const head of this.#heads) head.addEventListener("click", () => this.#sort(head.dataset.sort));
    this.#say();
  }

  /** Only the pictures of this batch, as soon as there is one. */
  set sent(only) {
    const which = this.#form.elements.which;
    which.value = only ? "sent" : "all";
    this.#changed();
  }

  focus() {
    this.#form.elements.name.focus();
    this.#form.elements.name.select();
  }

  apply(items) {
    const said = Object.fromEntries(new FormData(this.#form));
    const seen = items.filter((item) => this.#wanted(item, said));
    if (!this.#by) return seen;
    const compare = COMPARE[this.#by];
    return seen.sort((a, b) => (this.#down ? -1 : 1) * compare(a, b));
  }

  #wanted(item, { which, name, state, answer, review, certain }) {
    if (which === "sent" && !item.sent) return false;
    if (name && !(item.path ?? item.name).toLowerCase().includes(name.trim().toLowerCase())) return false;
    if (state && !state.split(" ").includes(item.status)) return false;
    if (answer && answer !== answerOf(item)) return false;
    if (review && !REVIEW[review](item)) return false;
    const value = certainty(item);
    return Number(certain) >= 1 || (value !== null && value <= Number(certain));
  }

  #sort(by) {
    this.#down = this.#by === by && !this.#down;
    this.#by = by;
    for (const head of this.#heads) {
      const chosen = head.dataset.sort === by;
      head.parentElement.setAttribute("aria-sort", chosen ? (this.#down ? "descending" : "ascending") : "none");
    }
    this.#changed();
  }

  #changed() {
    this.#say();
    this.dispatchEvent(new Event("changed"));
  }

  #say() {
    this.#form.querySelector("output").textContent = whole(Number(this.#form.elements.certain.value));
  }
}

const REVIEW = {
  none: ({ review }) => !review,
  some: ({ review }) => !!review,
  wrong: ({ review }) => review?.verdict === "wrong",
};

const COMPARE = {
  name: (a, b) => order.compare(a.path ?? a.name, b.path ?? b.name),
  state: (a, b) => STATES.indexOf(a.status) - STATES.indexOf(b.status),
  answer: (a, b) => order.compare(answerOf(a), answerOf(b)) || (certainty(b) ?? 2) - (certainty(a) ?? 2),
  certainty: (a, b) => (certainty(a) ?? 2) - (certainty(b) ?? 2),
};

/** The class of a picture, ``nothing`` where nothing was outlined, empty without an answer. */
function answerOf({ prediction }) {
  const findings = prediction?.findings;
  if (!findings) return "";
  return findings.task === "segmentation" && findings.empty ? "nothing" : findings.label;
}
