// Corrections: a label or a verdict is shown at once, stored behind as a review, and can be taken back.

import { forgetReview, getReview, putReview } from "./server.js";
import { say } from "./words.js";

const REVIEWABLE = ["done", "unsure", "refused"];

export function reviewable(item) {
  return !!item?.prediction && REVIEWABLE.includes(item.status);
}

/** The class that the network gave; an outline is none, and neither is a refusal. */
export function answeredLabel({ status, prediction }) {
  const findings = prediction?.findings;
  return status !== "refused" && findings?.task === "classification" ? findings.label : null;
}

export class Labels extends EventTarget {
  #collection;
  #done = [];

  constructor(collection) {
    super();
    this.#collection = collection;
  }

  get undoable() {
    return this.#done.length;
  }

  /** What the picture shows; where that is the network's own answer, the answer was right. */
  name(item, label) {
    if (!reviewable(item)) return;
    this.#say(item, { verdict: label === answeredLabel(item) ? "right" : "wrong", label, metadata: item.review?.metadata ?? {} });
  }

  judge(item, verdict) {
    if (!reviewable(item)) return;
    const theirs = answeredLabel(item);
    const label = verdict === "right" ? theirs : item.review?.label === theirs ? null : (item.review?.label ?? null);
    this.#say(item, { verdict, label, metadata: item.review?.metadata ?? {} });
  }

  /** Take the latest correction back; answers its row. */
  undo() {
    const last = this.#done.pop();
    if (!last) return null;
    this.#write(last.item, last.before);
    this.dispatchEvent(new Event("changed"));
    return last.item;
  }

  #say(item, said) {
    const { review } = item;
    if (review?.verdict === said.verdict && review.label === said.label) return;
    const before = review ? { verdict: review.verdict, label: review.label, metadata: review.metadata } : null;
    this.#done.push({ item, before });
    this.#write(item, said);
    this.dispatchEvent(new Event("changed"));
  }

  #write(item, said) {
    this.#collection.change(item, { review: said, trouble: null });
    item.turn = (item.turn ?? Promise.resolve()).then(() => this.#send(item, said));
  }

  /** One after the other, so that each names the version that the one before it made. */
  async #send(item, said) {
    try {
      if (said) item.stored = await putReview(item.id, said, item.stored?.version ?? 0);
      else if (item.stored) {
        await forgetReview(item.id);
        item.stored = null;
      }
    } catch (refusal) {
      if (refusal.status === 412) item.stored = await getReview(item.id).catch(() => null);
      const trouble = refusal.status === 412 ? say("review.changed") : refusal.message;
      this.#collection.change(item, { review: item.stored ?? null, trouble });
    }
  }
}
