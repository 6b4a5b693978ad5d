// The separate yeses to one image, to learning from it and to others' finding it: given or taken back at any time.

import { allow, forbid, share, unshare } from "./server.js";

export class Permit {
  #ticks;

  constructor(collection, application) {
    this.#ticks = [
      new Tick(collection, "image-consent", "training_consent", {
        give: (image, version) => allow(image, application, version),
        take: forbid,
      }),
      new Tick(collection, "image-sharing", "shared", { give: share, take: unshare }),
    ];
  }

  show(item) {
    for (const tick of this.#ticks) tick.show(item);
  }
}

class Tick {
  #box;
  #problem;
  #field;
  #item = null;

  /** ``field`` of the image says whether it was given. */
  constructor(collection, id, field, { give, take }) {
    this.#box = document.getElementById(id);
    this.#problem = document.getElementById(`${id}-problem`);
    this.#field = field;
    this.#box?.addEventListener("change", async () => {
      const item = this.#item;
      const { image } = item.prediction;
      const wanted = this.#box.checked;
      image[field] = wanted;
      try {
        await (wanted ? give(image.id, Number(this.#box.dataset.version)) : take(image.id));
        this.#complain("");
      } catch (refusal) {
        image[field] = !wanted;
        if (this.#item === item) this.#complain(refusal.message);
      }
      collection.change(item, {});
    });
  }

  show(item) {
    if (this.#item !== item) this.#complain("");
    this.#item = item;
    if (this.#box && item?.prediction) this.#box.checked = item.prediction.image[this.#field];
  }

  #complain(text) {
    if (this.#problem) Object.assign(this.#problem, { textContent: text, hidden: !text });
  }
}
