// Was it right? A click says it, the form adds what is known; both are shown at once and stored behind.

import { Form } from "./form.js";
import { forgetReview, getReview, putReview, reviews, warnings } from "./server.js";
import { moment, say } from "./words.js";

const REVIEWABLE = ["done", "unsure", "refused"];

export function reviewable(item) {
  return !!item?.prediction && REVIEWABLE.includes(item.status);
}

/** An item holds ``stored`` (as the service has it), ``review`` (as it is shown) and ``draft`` (not saved yet). */
export class Review {
  #root = document.getElementById("review");
  #known = document.getElementById("known");
  #form = this.#known && new Form(document.getElementById("review-form"));
  #hint = document.getElementById("review-warnings");
  #collection;
  #application;
  #heard = new Map();
  #item = null;

  constructor(collection, application) {
    this.#collection = collection;
    this.#application = application;
    collection.addEventListener("added", ({ detail }) => this.#learn(detail.item));
    this.#root.addEventListener("click", ({ target }) => {
      const verdict = target.closest("[data-verdict]")?.dataset.verdict;
      if (verdict) this.judge(verdict);
    });
    document.getElementById("review-forget").addEventListener("click", () => this.#forget(this.#item));
    if (this.#form) this.#listenToForm();
    addEventListener("beforeunload", (event) => collection.all.some(({ draft }) => draft) && event.preventDefault());
  }

  /** What was said before this page was opened. */
  async load() {
    let before = "";
    do {
      const page = await reviews(this.#application, before).catch(() => ({ items: [], next: null }));
      for (const review of page.items) this.#heard.set(review.prediction_id, review);
      before = page.next;
    } while (before);
    for (const item of this.#collection.all) this.#learn(item);
  }

  show(item) {
    const other = this.#item !== item;
    this.#item = item;
    if (!reviewable(item)) return;
    for (const button of this.#root.querySelectorAll("[data-verdict]"))
      button.setAttribute("aria-pressed", String(button.dataset.verdict === item.review?.verdict));
    this.#state(item);
    if (!this.#form) return;
    if (other) this.#hint.hidden = true;
    if (other || !item.draft) this.#form.said = item.draft ?? this.#form.wording(item.review ?? begun(item));
    this.#form.bind(item.review?.verdict, answeredLabel(item));
    this.#count(item);
  }

  /** Say whether the answer of the image in sight was right; what the form holds unsaved stays there. */
  judge(verdict) {
    const item = this.#item;
    if (!reviewable(item) || item.review?.verdict === verdict) return;
    const { label = null, metadata = {} } = item.review ?? begun(item) ?? {};
    const theirs = answeredLabel(item);
    if (this.#known && verdict === "wrong") this.#known.open = true;
    this.#put(item, { verdict, label: verdict === "right" ? theirs : label === theirs ? null : label, metadata });
  }

  #learn(item) {
    const review = this.#heard.get(item.id);
    if (review && item.stored === undefined) this.#collection.change(item, { stored: review, review });
  }

  #put(item, said) {
    this.#collection.change(item, { review: { ...item.review, ...said }, saving: said, trouble: null });
    item.turn = (item.turn ?? Promise.resolve()).then(() => this.#send(item, said));
    return item.turn;
  }

  /** One after the other, so that each names the version that the one before it made. */
  async #send(item, said) {
    try {
      const stored = await putReview(item.id, said, item.stored?.version ?? 0);
      this.#collection.change(item, item.saving === said ? { stored, review: stored, saving: null } : { stored });
    } catch (refusal) {
      if (refusal.status === 412) return this.#reload(item);
      this.#collection.change(item, { review: item.stored ?? null, saving: null, trouble: refusal.message });
    }
  }

  /** It was changed elsewhere: show that, and keep what was written here and not yet saved. */
  async #reload(item) {
    const base = this.#form?.wording(item.stored);
    const stored = await getReview(item.id).catch(() => null);
    const now = this.#form?.wording(stored);
    const kept = item.draft && Object.entries(item.draft).filter(([name, text]) => text !== base[name] && text !== now[name]);
    const draft = kept?.length ? { ...now, ...Object.fromEntries(kept) } : null;
    this.#collection.change(item, { stored, review: stored, saving: null, draft: null });
    this.#collection.change(item, { draft, trouble: say("review.changed") });
    if (draft && this.#item === item) this.#form.said = draft;
  }

  async #forget(item) {
    try {
      await item.turn;
      await forgetReview(item.id);
      this.#collection.change(item, { stored: null, review: null, draft: null, trouble: null });
    } catch (refusal) {
      this.#collection.change(item, { trouble: refusal.message });
    }
  }

  #listenToForm() {
    const form = document.getElementById("review-form");
    form.addEventListener("input", () => {
      this.#hint.hidden = true;
      this.#item.draft = this.#changed() ? this.#form.said : null;
      this.#state(this.#item);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save(false);
    });
    document.getElementById("review-anyway").addEventListener("click", () => this.#save(true));
    document.getElementById("review-change").addEventListener("click", ({ target }) => {
      this.#hint.hidden = true;
      this.#form.focus(target.dataset.field);
    });
  }

  #changed() {
    const stored = this.#form.wording(this.#item.review ?? begun(this.#item));
    return Object.entries(this.#form.said).some(([name, text]) => text !== stored[name]);
  }

  async #save(anyway) {
    const item = this.#item;
    const metadata = this.#form.check();
    if (!metadata) return;
    if (!item.review?.verdict) {
      this.#root.querySelector("[data-verdict]").focus();
      return this.#collection.change(item, { trouble: say("review.verdict.first") });
    }
    const { label } = this.#form.said;
    if (!anyway && (await this.#warned(this.#form.texts(metadata)))) return;
    if (this.#item !== item) return;
    const { draft } = item;
    await this.#put(item, { verdict: item.review.verdict, label: label || null, metadata });
    if (!item.trouble && item.draft === draft) this.#settle(item);
  }

  #settle(item) {
    item.draft = null;
    this.#hint.hidden = true;
    this.#collection.change(item, {});
  }

  /** Whether something in the texts may identify a person; if so it is shown, and nothing is saved yet. */
  async #warned(texts) {
    if (!Object.keys(texts).length) return false;
    const found = await warnings(this.#application, texts).catch(() => []);
    const rows = found.map(({ field, detail }) => {
      const row = document.createElement("li");
      row.textContent = `${this.#form.title(field)}: ${detail}`;
      return row;
    });
    this.#hint.querySelector("[data-slot=warnings]").replaceChildren(...rows);
    this.#hint.hidden = !found.length;
    if (!found.length) return false;
    document.getElementById("review-change").dataset.field = found[0].field;
    this.#hint.scrollIntoView({ block: "nearest" });
    document.getElementById("review-change").focus();
    return true;
  }

  #state({ review, saving, trouble, draft }) {
    const saved = review && (review.created_at ? say("review.saved", { time: moment(review.created_at) }) : say("review.saving"));
    const line = this.#root.querySelector("[data-slot=review-state]");
    line.textContent = trouble ?? (saving ? say("review.saving") : (saved ?? say("review.none")));
    line.toggleAttribute("data-bad", !!trouble);
    document.getElementById("review-forget").hidden = !review || !!saving;
    const save = document.getElementById("review-save");
    if (save) save.disabled = !draft;
  }

  #count({ review }) {
    const said = Object.values(this.#form.wording(review));
    const given = said.filter(Boolean).length;
    this.#known.querySelector("[data-slot=known-count]").textContent = given ? say("review.count", { given, all: said.length }) : "";
  }
}

/** What is known before anybody says it: which of two pictures of one person it is. */
function begun({ prediction: { pair } }) {
  const field = document.getElementById("bench").dataset.pairField;
  return pair && field ? { label: null, metadata: { [field]: pair.side } } : null;
}

/** The class that the network gave; an outline is none, and neither is a refusal. */
function answeredLabel({ status, prediction: { findings } }) {
  return status !== "refused" && findings?.task === "classification" ? findings.label : null;
}
