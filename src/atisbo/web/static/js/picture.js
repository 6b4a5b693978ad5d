// A similar picture, larger: its source, how alike it is, and from there on to what is most like it.

import { blank, fill, judged, named } from "./mosaic.js";
import { neighbours } from "./server.js";
import { moment, say, score } from "./words.js";

export class PictureDialog {
  #root = document.getElementById("picture-dialog");
  #path = []; // of {neighbour, by, from}: where one came from, the present one last

  constructor() {
    this.#root.querySelector("[data-step=back]").addEventListener("click", () => {
      this.#path.pop();
      this.#show();
    });
    this.#root.addEventListener("keydown", ({ key }) => {
      if (key === "ArrowRight") this.#walk(1);
      if (key === "ArrowLeft") this.#walk(-1);
    });
  }

  open(items, number, by) {
    this.#path = [{ items, number, by }];
    this.#root.showModal();
    this.#show();
  }

  get #now() {
    return this.#path.at(-1);
  }

  #walk(by) {
    const { items, number } = this.#now;
    if (!items[number + by]) return;
    this.#now.number += by;
    this.#show();
  }

  #show() {
    const { items, number, by } = this.#now;
    const neighbour = items[number];
    this.#slot("title").textContent = named(neighbour);
    this.#slot("how").textContent = say(by === "palette" ? "alike.how.palette" : "alike.how", {
      position: neighbour.position,
      similarity: score(neighbour.similarity),
    });
    this.#picture(neighbour);
    this.#facts(neighbour);
    this.#root.querySelector("[data-step=back]").hidden = this.#path.length < 2;
    const mine = this.#slot("open");
    mine.hidden = !neighbour.mine;
    mine.href = `/a/${document.getElementById("bench").dataset.application}/${neighbour.id}`;
    this.#root.querySelector(".lightbox-side").scrollTop = 0;
    this.#slot("title").focus();
    this.#more(neighbour);
  }

  #picture(neighbour) {
    const image = this.#slot("large");
    image.hidden = !neighbour.links.picture;
    this.#slot("no-picture").hidden = !image.hidden;
    image.alt = [named(neighbour), neighbour.title].filter(Boolean).join(", ");
    if (neighbour.links.picture) image.src = neighbour.links.picture;
  }

  #facts({ title, source, licence, location, kind, mine, asked_at: asked, review }) {
    const said = judged({ review });
    const rows = {
      "alike.file": title,
      "alike.source": source,
      "alike.licence": licence,
      "alike.location": location === title ? "" : location,
      "alike.from": kind === "collection" ? "" : say(mine ? "alike.mine" : "alike.others"),
      "alike.asked": asked ? moment(asked) : "",
      "alike.review": said ? said.words : "",
    };
    const shown = Object.entries(rows).filter(([, value]) => value);
    this.#slot("facts").replaceChildren(...shown.flatMap(([key, value]) => [term(say(key)), meaning(value)]));
  }

  async #more(neighbour) {
    const list = this.#root.querySelector("[data-more]");
    const note = this.#slot("more-note");
    blank(list);
    note.textContent = "";
    const { by } = this.#now;
    try {
      const found = await neighbours("pictures", neighbour.id, { by });
      if (this.#now.items[this.#now.number] !== neighbour) return;
      fill(list, found.items, (_, number) => {
        this.#path.push({ items: found.items, number, by });
        this.#show();
      });
      note.textContent = found.items.length ? "" : say("alike.none");
    } catch (refusal) {
      fill(list, []);
      note.textContent = refusal.message;
    }
  }

  #slot(name) {
    return this.#root.querySelector(`[data-slot=${name}]`);
  }
}

function term(text) {
  return Object.assign(document.createElement("dt"), { textContent: text });
}

/** An address can be followed. */
function meaning(text) {
  const shown = document.createElement("dd");
  if (!/^https?:\/\/\S+$/.test(text)) shown.textContent = text;
  else shown.append(Object.assign(document.createElement("a"), { href: text, textContent: text.replace(/^https?:\/\//, ""), rel: "noreferrer", target: "_blank" }));
  return shown;
}
