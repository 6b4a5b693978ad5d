// Answers arrive by themselves and are fetched in groups, so that hundreds of them cost the service little.

import { some } from "./server.js";

const GROUP = 50;
const PAUSE_MS = 300;
const PATIENCE_MS = 4000;

document.documentElement.dataset.live = ""; // what is heard here is passed on: the bell needs no stream of its own

export class BatchLive {
  #collection;
  #changed = new Set();
  #early = new Set();
  #timer = null;

  constructor(collection) {
    this.#collection = collection;
    collection.addEventListener("changed", ({ detail: { item } }) => item.id && this.#early.delete(item.id) && this.#soon(item.id));
    this.#connect();
    setInterval(() => this.#catchUp(), PATIENCE_MS);
  }

  #connect() {
    const events = new EventSource("/api/v1/events");
    events.addEventListener("prediction", ({ data }) => this.#heard(JSON.parse(data)));
    events.addEventListener("notice", () => document.dispatchEvent(new Event("notice")));
    events.addEventListener("refresh", () => this.#catchUp());
    addEventListener("pagehide", () => events.close(), { once: true });
    addEventListener("pageshow", ({ persisted }) => persisted && this.#connect(), { once: true });
  }

  #heard({ id, status }) {
    const item = this.#collection.find(id);
    if (!item) this.#early.add(id);
    else if (status === "running") item.status === "waiting" && this.#collection.change(item, { status });
    else this.#soon(id);
  }

  #soon(id) {
    this.#changed.add(id);
    this.#timer ??= setTimeout(() => this.#fetch(), PAUSE_MS);
  }

  #catchUp() {
    for (const { id } of this.#collection.open.slice(0, GROUP)) this.#soon(id);
  }

  async #fetch() {
    const ids = [...this.#changed].slice(0, GROUP);
    for (const id of ids) this.#changed.delete(id);
    const page = await some(ids).catch(() => ({ items: [] }));
    for (const prediction of page.items) if (this.#collection.find(prediction.id)) this.#collection.take(prediction);
    this.#timer = this.#changed.size ? setTimeout(() => this.#fetch(), PAUSE_MS) : null;
  }
}
