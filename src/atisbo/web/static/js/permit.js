// The separate yes to learning from one image: given or taken back at any time.

import { allow, forbid } from "./server.js";

export class Permit {
  #tick = document.getElementById("image-consent");
  #problem = document.getElementById("image-consent-problem");
  #item = null;

  constructor(collection, application) {
    this.#tick?.addEventListener("change", async () => {
      const item = this.#item;
      const { image } = item.prediction;
      const wanted = this.#tick.checked;
      image.training_consent = wanted;
      try {
        await (wanted ? allow(image.id, application, Number(this.#tick.dataset.version)) : forbid(image.id));
        this.#complain("");
      } catch (refusal) {
        image.training_consent = !wanted;
        if (this.#item === item) this.#complain(refusal.message);
      }
      collection.change(item, {});
    });
  }

  show(item) {
    if (this.#item !== item) this.#complain("");
    this.#item = item;
    if (this.#tick && item?.prediction) this.#tick.checked = item.prediction.image.training_consent;
  }

  #complain(text) {
    if (this.#problem) Object.assign(this.#problem, { textContent: text, hidden: !text });
  }
}
