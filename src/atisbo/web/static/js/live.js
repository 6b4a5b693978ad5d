// Results arrive by themselves; what was missed while the line was down is fetched again.

import { list, one } from "./server.js";

const PATIENCE_MS = 4000;

document.documentElement.dataset.live = ""; // what is heard here is passed on: the bell needs no stream of its own

export class Live {
  #collection;
  #application;
  #events;
  #early = new Set();

  constructor(collection, application) {
    this.#collection = collection;
    this.#application = application;
    collection.addEventListener("changed", ({ detail: { item } }) => this.#early.delete(item.id) && this.#read(item.id));
    this.#connect();
    setInterval(() => this.#catchUp(), PATIENCE_MS);
  }

  #connect() {
    this.#events = new EventSource("/api/v1/events");
    this.#events.addEventListener("prediction", ({ data }) => this.#heard(JSON.parse(data)));
    this.#events.addEventListener("queue", ({ data }) => this.#moved(JSON.parse(data)));
    this.#events.addEventListener("notice", () => document.dispatchEvent(new Event("notice")));
    this.#events.addEventListener("refresh", () => this.#catchUp());
    addEventListener("pagehide", () => this.#events.close());
    addEventListener("pageshow", ({ persisted }) => persisted && this.#connect());
  }

  async #heard({ id, status }) {
    const item = this.#collection.find(id);
    if (!item) return this.#remember(id);
    if (item.status !== status) await this.#read(id);
  }

  #moved(places) {
    for (const [id, queue] of Object.entries(places)) {
      const item = this.#collection.find(id);
      if (item?.status === "waiting") this.#collection.change(item, { prediction: { ...item.prediction, queue } });
    }
  }

  /** An answer can be quicker than the confirmation of its upload. */
  #remember(id) {
    if (this.#early.size > 100) this.#early.clear();
    this.#early.add(id);
  }

  /** Places in the queue move without an event, and an event can be lost: look at what is still open. */
  async #catchUp() {
    const open = this.#collection.open;
    if (open.length > 3) {
      const page = await list(this.#application).catch(() => ({ items: [] }));
      for (const prediction of page.items) if (open.some(({ id }) => id === prediction.id)) this.#collection.take(prediction);
    } else for (const { id } of open) await this.#read(id);
  }

  async #read(id) {
    const prediction = await one(id).catch(() => null);
    if (prediction && this.#collection.find(id)) this.#collection.take(prediction);
  }
}
