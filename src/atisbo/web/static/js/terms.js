// Before the first upload: what the service is and what is stored. Whatever was chosen waits for the answer.

import { agree, terms } from "./server.js";

export class Terms {
  #dialog = document.getElementById("terms-dialog");
  #text = this.#dialog.querySelector("[data-slot=text]");
  #version = null;
  #agreed;

  constructor(agreed) {
    this.#agreed = agreed;
    document.getElementById("terms-agree").addEventListener("click", () => this.#agree());
  }

  /** The service says that they are not agreed to, or not in today's words. */
  lapse() {
    this.#agreed = false;
    this.#version = null;
  }

  /** Whether they are agreed to; asks where they are not yet. */
  async ask() {
    if (this.#agreed) return true;
    const closed = new Promise((resolve) => this.#dialog.addEventListener("close", resolve, { once: true }));
    this.#dialog.showModal();
    await this.#read();
    await closed;
    return this.#agreed;
  }

  #read() {
    return this.#trying(async () => {
      const { text, version } = await terms();
      this.#text.replaceChildren(...text.split("\n\n").map(paragraph));
      this.#text.scrollTop = 0;
      this.#version = version;
    });
  }

  /** Only what was read can be agreed to: a text that did not come is fetched first. */
  #agree() {
    if (this.#version === null) return this.#read();
    return this.#trying(async () => {
      await agree(this.#version);
      this.#agreed = true;
      this.#dialog.close();
    });
  }

  async #trying(work) {
    const problem = this.#dialog.querySelector("[data-slot=problem]");
    problem.hidden = true;
    try {
      await work();
    } catch (refusal) {
      Object.assign(problem, { textContent: refusal.message, hidden: false });
      if (refusal.status === 412) await this.#read();
    }
  }
}

function paragraph(text) {
  return Object.assign(document.createElement("p"), { textContent: text });
}
