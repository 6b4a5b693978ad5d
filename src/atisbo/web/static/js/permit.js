// The separate yeses to one image, to learning from it and to others' finding it: given or taken back at any time.

import { allow, forbid, share, unshare } from "./server.js";
import { say } from "./words.js";

export class Permit {
  #ticks;

  constructor(collection, application) {
    this.#ticks = [
      new Tick(collection, "image-consent", "training_consent", {
        give: (image, version) => allow(image, application, version),
        take: forbid,
        tell: lineage,
      }),
      new Tick(collection, "image-sharing", "shared", { give: share, take: unshare }),
    ];
  }

  show(item) {
    for (const tick of this.#ticks) tick.show(item);
  }
}

/** Where an image was that was taken back: the service lists the datasets that held it. */
function lineage(uses) {
  if (!uses.length) return "";
  const versions = [...new Set(uses.flatMap((use) => use.versions))];
  const told = say("lineage.out", { datasets: uses.map((use) => use.name).join(", ") });
  return versions.length ? `${told} ${say("lineage.learnt", { versions: versions.join(", ") })}` : told;
}

class Tick {
  #box;
  #told;
  #tell;
  #problem;
  #field;
  #item = null;

  /** ``field`` of the image says whether it was given. */
  constructor(collection, id, field, { give, take, tell }) {
    this.#box = document.getElementById(id);
    this.#problem = document.getElementById(`${id}-problem`);
    this.#told = document.getElementById(`${id}-told`);
    this.#tell = tell;
    this.#field = field;
    this.#box?.addEventListener("change", async () => {
      const item = this.#item;
      const { image } = item.prediction;
      const wanted = this.#box.checked;
      image[field] = wanted;
      try {
        const answer = await (wanted ? give(image.id, Number(this.#box.dataset.version)) : take(image.id));
        this.#complain("");
        if (this.#item === item) this.#say(wanted ? "" : (this.#tell?.(answer) ?? ""));
      } catch (refusal) {
        image[field] = !wanted;
        if (this.#item === item) this.#complain(refusal.message);
      }
      collection.change(item, {});
    });
  }

  show(item) {
    if (this.#item !== item) {
      this.#complain("");
      this.#say("");
    }
    this.#item = item;
    if (this.#box && item?.prediction) this.#box.checked = item.prediction.image[this.#field];
  }

  #say(text) {
    if (this.#told) Object.assign(this.#told, { textContent: text, hidden: !text });
  }

  #complain(text) {
    if (this.#problem) Object.assign(this.#problem, { textContent: text, hidden: !text });
  }
}
