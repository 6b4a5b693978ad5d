// The images of this page: one item each, from the moment a file is chosen until its answer is read.

const OPEN = ["waiting", "running"];

/** Unlike crypto.randomUUID this also works on a plain http address. */
export function freshKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Collection extends EventTarget {
  #items = new Map();
  #selected = null;

  get selected() {
    return this.#items.get(this.#selected) ?? null;
  }

  get all() {
    return [...this.#items.values()];
  }

  get open() {
    return this.all.filter((item) => item.id && OPEN.includes(item.status));
  }

  find(id) {
    return this.all.find((item) => item.id === id) ?? null;
  }

  /** Add an item that starts here, from a file or a sample. */
  begin(fields) {
    const item = { key: freshKey(), id: null, status: "sending", progress: 0, ...fields };
    this.#items.set(item.key, item);
    this.#tell("added", item, { first: true });
    return item;
  }

  /** Take what the service says of a prediction, into ``item`` or into the one with its id. */
  take(prediction, item = this.find(prediction.id)) {
    const known = this.find(prediction.id);
    if (item && known && known !== item) this.remove(known);
    const overtaken = item?.id === prediction.id && !OPEN.includes(item.status) && OPEN.includes(prediction.status);
    if (overtaken) return item;
    const fields = { id: prediction.id, status: prediction.status, name: prediction.image.file_name, prediction };
    if (item) return this.change(item, { ...fields, problem: prediction.failure?.detail });
    const fresh = { key: prediction.id, picture: null, ...fields, problem: prediction.failure?.detail };
    this.#items.set(fresh.key, fresh);
    this.#tell("added", fresh, { first: false });
    return fresh;
  }

  change(item, fields) {
    const before = item.status;
    Object.assign(item, fields);
    this.#tell("changed", item, { before });
    return item;
  }

  remove(item) {
    this.#items.delete(item.key);
    if (item.picture && item.file) URL.revokeObjectURL(item.picture);
    this.#tell("removed", item);
    if (this.#selected === item.key) this.select(null);
  }

  select(item, how = {}) {
    if (this.#selected === (item?.key ?? null)) return;
    this.#selected = item?.key ?? null;
    this.#tell("selected", item, how);
  }

  #tell(type, item, more = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail: { item, ...more } }));
  }
}
