// What is most like the picture: by looks and by palette, or the reviewed cases; each opens larger.

import { answered } from "./answers.js";
import { blank, fill } from "./mosaic.js";
import { neighbours } from "./server.js";
import { moment, say } from "./words.js";

const AGAIN_MS = 5000;

export class Alike {
  #root = document.getElementById("alike");
  #rows = [...this.#root.querySelectorAll("[data-by]")];
  #cases = this.#root.dataset.kind === "cases";
  #same = document.getElementById("same-class");
  #dialog = null; // loaded when a picture is first wanted larger
  #application;
  #item = null;
  #shown = "";
  #again = null;

  constructor(application) {
    this.#application = application;
    this.#same?.addEventListener("change", () => this.show(this.#item));
    this.#slot("alike-retry").querySelector("button").addEventListener("click", () => this.#load());
  }

  show(item) {
    this.#item = item;
    const label = item?.review?.label ?? "";
    const wanted = answered(item) ? [item.id, this.#same?.checked, item.review?.verdict, label].join() : "";
    if (wanted === this.#shown) return;
    this.#shown = wanted;
    clearTimeout(this.#again);
    if (wanted) this.#load();
  }

  async #load() {
    const wanted = this.#shown;
    this.#tell("");
    this.#slot("alike-retry").hidden = true;
    for (const row of this.#rows) if (!row.querySelector("button")) blank(row);
    try {
      const found = await Promise.all(this.#rows.map(({ dataset }) => this.#ask(dataset.by)));
      if (wanted === this.#shown) this.#draw(found);
    } catch (refusal) {
      if (wanted !== this.#shown) return;
      for (const row of this.#rows) fill(row, []);
      this.#tell(refusal.code === "neighbours_unknown" ? say("alike.none") : refusal.message);
      this.#slot("alike-retry").hidden = refusal.status === 404;
    }
  }

  #ask(by) {
    return neighbours("predictions", this.#item.id, { by, same_class: !!this.#same?.checked, reviewed: this.#cases });
  }

  async #open(items, number, by) {
    this.#dialog ??= new (await import("./picture.js")).PictureDialog();
    this.#dialog.open(items, number, by);
  }

  #draw(found) {
    for (const [at, { items, by }] of found.entries())
      fill(this.#rows[at], items, (_, number) => this.#open(items, number, by));
    const [{ complete, ready, total, items, seen }] = found;
    const none = items.length ? "" : say(this.#cases ? "alike.cases.none" : "alike.none");
    this.#tell(complete ? none : ready < total ? say("alike.preparing", { ready, total }) : say("alike.filling", { ready }));
    if (!complete) this.#again = setTimeout(() => this.#load(), AGAIN_MS);
    this.#remember(seen);
  }

  /** The same picture was asked about before. */
  #remember([before]) {
    const note = this.#slot("seen");
    note.hidden = !before;
    if (!before) return;
    const link = document.createElement("a");
    link.href = `/a/${this.#application}/${before.prediction_id}`;
    link.textContent = say("alike.seen.open");
    const words = say(before.same_file ? "alike.seen.same" : "alike.seen.alike", { date: moment(before.asked_at) });
    note.querySelector("span").replaceChildren(`${words} `, link);
  }

  #tell(text) {
    this.#slot("alike-note").textContent = text;
  }

  #slot(name) {
    return this.#root.querySelector(`[data-slot=${name}]`);
  }
}
