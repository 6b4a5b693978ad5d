// Files go out a few at a time, as many requests side by side as keep the network busy; each file's fate is its own.

import { freshKey } from "./collection.js";
import { permits } from "./permits.js";
import { Refusal, sendMany } from "./server.js";
import { keep } from "./unsaved.js";
import { decimal, say } from "./words.js";

const FILES = 8;
const BYTES = 16 * 1024 ** 2;
const AT_ONCE = 2;
const TRIES = 4;
const PAUSE_MS = 3000;

export class Sender {
  #collection;
  #terms;
  #application;
  #shape;
  #limit;
  #queue = [];
  #sending = 0;

  constructor(collection, terms, { application, maxBytes, shape }) {
    this.#collection = collection;
    this.#terms = terms;
    this.#application = application;
    this.#shape = shape;
    this.#limit = Number(maxBytes);
    keep(() => this.busy);
  }

  get busy() {
    return this.#queue.length > 0 || this.#sending > 0;
  }

  /** Put rows in the queue; what is too large does not go out at all. */
  add(items) {
    for (const item of items) {
      const large = item.size > this.#limit;
      const limit = decimal(this.#limit / 1024 ** 2, 0);
      this.#collection.change(item, large ? { status: "failed", problem: say("too.large", { limit }) } : { status: "queued", problem: null });
      if (!large) this.#queue.push(item);
    }
    this.#next();
  }

  #next() {
    while (this.#sending < AT_ONCE && this.#queue.length) {
      this.#sending += 1;
      this.#send(this.#take()).finally(() => {
        this.#sending -= 1;
        this.#next();
      });
    }
  }

  #take() {
    const some = [];
    for (let bytes = 0; this.#queue.length && some.length < FILES; ) {
      bytes += this.#queue[0].size;
      if (some.length && bytes > BYTES) break;
      some.push(this.#queue.shift());
    }
    return some;
  }

  async #send(items) {
    const files = (await Promise.all(items.map((item) => this.#open(item)))).filter(Boolean);
    if (!files.length) return;
    try {
      const { items: results } = await this.#patiently(files, freshKey());
      files.forEach(({ item }, at) => this.#settle(item, results[at]));
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      if (refusal.code === "consent_needed") this.#terms.lapse();
      for (const { item } of files) this.#collection.change(item, { status: "failed", problem: refusal.message });
    }
  }

  /** The file itself, out of its archive if it lies in one. */
  async #open(item) {
    this.#collection.change(item, { status: "sending" });
    try {
      const file = await item.open();
      this.#collection.change(item, { file, picture: item.picture ?? URL.createObjectURL(file) });
      const region = this.#shape ? await middle(file, this.#shape) : null;
      return { item, file, region, name: item.name };
    } catch (refusal) {
      const problem = refusal instanceof Refusal ? refusal.message : say("file.unreadable");
      this.#collection.change(item, { status: "failed", problem });
      return null;
    }
  }

  /** The same request once more where the line broke or the service was busy: what was stored is found, not stored twice. */
  async #patiently(files, key) {
    const consent = permits();
    const numbered = this.#shape ? files.map(({ file, name }, at) => ({ file, name: `${at}/${name}` })) : files;
    const marked = files.flatMap(({ region }, at) => (region ? [[numbered[at].name, region]] : []));
    const regions = marked.length ? Object.fromEntries(marked) : null;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await sendMany(this.#application, numbered, { regions, consent, key });
      } catch (refusal) {
        const passing = refusal instanceof Refusal && (!refusal.status || [429, 503].includes(refusal.status));
        if (!passing || attempt === TRIES) throw refusal;
        await new Promise((resolve) => setTimeout(resolve, attempt * PAUSE_MS));
      }
    }
  }

  #settle(item, { prediction, failure }) {
    if (prediction) this.#collection.take(prediction, item);
    else this.#collection.change(item, { status: "failed", problem: failure.detail });
  }
}

/** Where a part has to be marked, that of a picture which was cut already: all of it, or the largest square in its middle. */
async function middle(file, shape) {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) return null;
  const { width, height } = bitmap;
  bitmap.close();
  if (shape !== "square") return { x: 0, y: 0, width, height };
  const side = Math.min(width, height);
  return { x: Math.floor((width - side) / 2), y: Math.floor((height - side) / 2), width: side, height: side };
}
