// What two readers said of an image before a third decides: their words, and their outlines.

import { decode } from "./editor-png.js";
import { getMask } from "./server.js";
import { capital, label, say } from "./words.js";

/** A line for each of their reviews; with ``takes`` an outline has a button that takes it over. */
export function lines(reviews, takes) {
  return reviews.map((review, number) => line(review, number, takes));
}

function line(review, number, takes) {
  const { label: named, verdict } = review;
  const row = document.createElement("li");
  const said = named ? capital(label(named)) : say(`inbox.verdict.${verdict}`);
  row.dataset.reader = number;
  row.textContent = `${say("inbox.reader", { number: number + 1 })}: ${[said, drew(review) && say("inbox.drawn")].filter(Boolean).join(", ")}`;
  if (!takes || !drew(review)) return row;
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "link", textContent: say("inbox.take", { number: number + 1 }) });
  button.dataset.take = number;
  row.append(" ", button);
  return row;
}

/** Whether an outline came with a review. */
export function drew(review) {
  return review?.mask?.state === "kept";
}

/** The bytes of the outline that came with a review of a prediction. */
export function outline(id, review) {
  return getMask(id, `review/mask.png?author=${review.author_id}`);
}

/** The masks of those who drew one, each in its reviewer's place; null where nobody did, or where they cannot be had. */
export async function masks(id, reviews) {
  if (!reviews.some(drew)) return null;
  const each = reviews.map(async (review) => (drew(review) ? decode(await outline(id, review)) : false));
  return Promise.all(each).catch(() => null);
}
