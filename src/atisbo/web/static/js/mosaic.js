// A few pictures, most alike first: each a button with its place, what it shows and how alike it is.

import { capital, label, say, score } from "./words.js";

const BLANKS = 5;

/** Fill a list with neighbours; ``open(neighbour, number)`` is called for the one that was chosen. */
export function fill(list, neighbours, open) {
  list.replaceChildren(...neighbours.map((neighbour, number) => tile(neighbour, () => open(neighbour, number))));
  list.hidden = !neighbours.length;
}

/** Places of pictures that are on their way. */
export function blank(list) {
  const places = Array.from({ length: BLANKS }, () => Object.assign(document.createElement("li"), { className: "blank" }));
  list.replaceChildren(...places);
  list.hidden = false;
}

/** What a neighbour shows, in a word or two. */
export function named({ label: name, title }) {
  return name ? capital(label(name)) : title || say("alike.unnamed");
}

/** What was said of it: a mark and words; null where nothing was. */
export function judged({ review }) {
  if (!review) return null;
  const mark = { right: "yes", wrong: "cross", unknown: "unknown" }[review.verdict];
  return { mark: `#i-${mark}`, words: say(`alike.review.${review.verdict}`) };
}

function tile(neighbour, open) {
  const row = document.getElementById("alike-item").content.firstElementChild.cloneNode(true);
  const [button, image] = [row.querySelector("button"), row.querySelector("img")];
  const values = { position: neighbour.position, label: named(neighbour), similarity: score(neighbour.similarity) };
  for (const [slot, value] of Object.entries(values)) row.querySelector(`[data-slot=${slot}]`).textContent = value;
  if (neighbour.links.thumbnail) image.src = neighbour.links.thumbnail;
  image.addEventListener("error", () => image.removeAttribute("src"), { once: true });
  const said = judged(neighbour);
  const review = row.querySelector("[data-slot=review]");
  review.hidden = !said;
  if (said) {
    review.querySelector("use").setAttribute("href", said.mark);
    review.querySelector("span").textContent = said.words;
  }
  const place = say("alike.tile", values);
  button.setAttribute("aria-label", said ? `${place} ${said.words}` : place);
  button.title = [values.label, neighbour.source].filter(Boolean).join(" · ");
  button.addEventListener("click", open);
  return row;
}
