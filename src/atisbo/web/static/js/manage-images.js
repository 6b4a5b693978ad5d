// All images: filter as soon as something is chosen, count what is ticked, tick a row of them with Shift.

for (const form of document.querySelectorAll("form[data-sieve]")) {
  form.addEventListener("change", () => form.requestSubmit());
  form.addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData]) if (!value) formData.delete(name);
  });
}

class Choosing {
  #form;
  #boxes;
  #everything;
  #count;
  #last = null;

  constructor(form) {
    this.#form = form;
    this.#boxes = [...form.querySelectorAll("[name=chosen]")];
    this.#everything = form.querySelector("[data-everything]");
    this.#count = form.querySelector("[data-count]");
    const all = form.querySelector("[data-all]");
    all.hidden = false;
    all.addEventListener("click", () => this.#all());
    form.addEventListener("click", (event) => this.#reach(event));
    form.addEventListener("change", () => this.#show());
    this.#show();
  }

  #all() {
    const chosen = !this.#boxes.every((box) => box.checked);
    for (const box of this.#boxes) box.checked = chosen;
    this.#show();
  }

  #reach({ target, shiftKey }) {
    const here = this.#boxes.indexOf(target);
    if (here < 0) return;
    if (shiftKey && this.#last !== null) {
      const [from, to] = [Math.min(here, this.#last), Math.max(here, this.#last)];
      for (const box of this.#boxes.slice(from, to + 1)) box.checked = target.checked;
    }
    this.#last = here;
  }

  #show() {
    const everything = this.#everything?.checked ?? false;
    const count = this.#boxes.filter((box) => box.checked).length;
    const { count: some, none } = this.#count.dataset;
    const every = this.#everything?.closest("label").textContent.trim();
    this.#count.textContent = everything ? every : count ? some.replace("{count}", count) : none;
    for (const button of this.#form.querySelectorAll("[data-bar] .button:not([data-all])")) button.disabled = !everything && !count;
  }
}

for (const form of document.querySelectorAll("form[data-gallery]")) new Choosing(form);
