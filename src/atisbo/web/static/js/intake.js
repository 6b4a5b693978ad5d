// Files come in by choosing, dropping, pasting, a camera, or as samples; each is accepted or refused on its own.

import { freshKey } from "./collection.js";
import { listenToDrops } from "./drop.js";
import { obviousProblem } from "./intake-rules.js";
import { permits } from "./permits.js";
import { askAgain, findRegion, Refusal, trySample, upload } from "./server.js";
import { keep } from "./unsaved.js";
import { sayMany } from "./words.js";

const AT_ONCE = 2;

export class Intake {
  #bench;
  #collection;
  #queue = [];
  #sending = 0;
  #analyse = document.getElementById("analyse");
  #again = null;
  #terms;
  #turn = Promise.resolve();
  #crop = document.getElementById("crop-dialog");
  #cropper = null; // loaded when a part is first to be marked

  constructor(bench, collection, terms) {
    this.#bench = bench;
    this.#terms = terms;
    this.#collection = collection;
    this.#listenToButtons();
    if (this.#analyse) this.#listenToAnalyse();
    listenToDrops((files) => this.take(files));
    keep(() => this.#sending > 0);
  }

  /** Upload the same file once more, or ask for it if this page never had it.
   *  The key stays unless the service has answered: if only the answer was lost, nothing is stored twice. */
  retry(item) {
    if (item.sample || item.stored) return this.#ask(item);
    this.#again = item.file ? null : item;
    if (!item.file) return document.getElementById("file-input").click();
    const attempt = item.id ? freshKey() : item.attempt;
    this.#collection.change(item, { id: null, prediction: null, status: "sending", progress: 0, problem: null, ended: false, attempt });
    this.#enqueue(item);
  }

  /** Files as they come; where a part has to be marked, one after the other is shown for it. */
  take(files) {
    const chosen = files.map((file) => ({ file, name: file.name, picture: URL.createObjectURL(file) }));
    return this.#afterwards(async () => {
      if (!(await this.#terms.ask())) return chosen.forEach(forget);
      if (!this.#asks) return this.#add(chosen);
      for (const [index, entry] of chosen.entries()) {
        const marked = obviousProblem(entry.file, this.#bench.dataset) ? { region: null } : await this.#mark(entry, index + 1, chosen.length);
        if (marked) this.#add([{ ...entry, ...marked }]);
        else forget(entry);
      }
    });
  }

  /** Ask about another part of the picture in sight; it is stored already. */
  markAgain() {
    const item = this.#collection.selected;
    if (!this.#crop || !canMarkAgain(item)) return;
    const { image, region, links } = item.prediction;
    const entry = { name: item.name, picture: links.preview, stored: image.id };
    return this.#afterwards(async () => {
      const size = { width: image.width, height: image.height };
      const marked = await this.#mark({ ...entry, region, size });
      if (marked) this.#try({ ...entry, status: "waiting", ...marked });
    });
  }

  /** What comes while something is still asked about waits for its turn: nothing that was let go here is lost. */
  #afterwards(work) {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(reportError);
    return this.#turn;
  }

  async #mark({ picture, name, region, size, ...where }, number = 1, count = 1) {
    this.#cropper ??= new (await import("./crop.js")).Cropper();
    const find = () => this.#find(where);
    return this.#cropper.ask(picture, { name, number, count, region, size, find });
  }

  async #find({ file, stored, source }) {
    const bytes = file ?? (source && new File([await (await fetch(source)).blob()], "sample"));
    return findRegion(this.#bench.dataset.application, { file: bytes, image: stored });
  }

  #add(chosen) {
    const replaced = this.#again;
    this.#again = null;
    if (chosen.length && replaced) this.#collection.remove(replaced);
    const status = this.#analyse ? "chosen" : "sending"; // where its colours are looked at first, a picture waits for a word
    const items = chosen.toReversed().map((entry) => this.#collection.begin({ ...entry, status })).reverse();
    if (items.length) this.#collection.select(items[0], { step: true });
    for (const item of items) {
      const problem = obviousProblem(item.file, this.#bench.dataset);
      if (problem) this.#collection.change(item, { status: "failed", problem });
      else if (status === "sending") this.#enqueue(item);
    }
    if (items[0]?.status === "chosen") this.#analyse.focus({ preventScroll: true });
  }

  /** Whether a part is asked for of every picture; elsewhere one may be marked. */
  get #asks() {
    return this.#crop?.dataset.shape === "square";
  }

  get #chosen() {
    return this.#collection.all.filter(({ status }) => status === "chosen");
  }

  #listenToAnalyse() {
    const tell = () => (this.#analyse.textContent = sayMany("analyse", this.#chosen.length));
    for (const type of ["added", "changed", "removed"]) this.#collection.addEventListener(type, tell);
    this.#analyse.addEventListener("click", () => {
      for (const item of this.#chosen) this.#enqueue(this.#collection.change(item, { status: "sending" }));
    });
    document.getElementById("mark-first")?.addEventListener("click", async () => {
      const item = this.#collection.selected;
      const marked = await this.#mark(item);
      if (marked && item.status === "chosen") this.#enqueue(this.#collection.change(item, { status: "sending", ...marked }));
    });
    document.getElementById("put-away").addEventListener("click", () => {
      this.#collection.remove(this.#collection.selected);
      this.#collection.select(this.#chosen[0] ?? null, { step: true });
    });
  }

  #sample(button) {
    const { sample, source, region } = button.dataset;
    const entry = { name: sample, picture: source, sample, status: "waiting", region: region ? JSON.parse(region) : null };
    return this.#afterwards(async () => {
      if (!(await this.#terms.ask())) return;
      const marked = this.#asks ? await this.#mark({ ...entry, source }) : {};
      if (marked) this.#try({ ...entry, ...marked });
    });
  }

  #try(entry) {
    const item = this.#collection.begin(entry);
    this.#collection.select(item, { step: true });
    this.#ask(item);
  }

  #ask(item) {
    this.#collection.change(item, { id: null, prediction: null, status: "waiting", problem: null, ended: false });
    const { application } = this.#bench.dataset;
    const asked = item.stored ? askAgain(item.stored, application, item.region, item.key) : trySample(application, item.sample, item.region);
    return this.#settle(item, asked);
  }

  #enqueue(item) {
    this.#queue.push(item);
    this.#next();
  }

  #next() {
    while (this.#sending < AT_ONCE && this.#queue.length) {
      const item = this.#queue.shift();
      this.#sending += 1;
      const sent = upload(this.#bench.dataset.application, item.file, {
        region: item.region,
        consent: permits(),
        key: item.attempt ?? item.key,
        onProgress: (progress) => this.#collection.change(item, { progress }),
      });
      this.#settle(item, sent).finally(() => {
        this.#sending -= 1;
        this.#next();
      });
    }
  }

  async #settle(item, answer) {
    try {
      this.#collection.take(await answer, item);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#collection.change(item, { status: "failed", problem: error.message, ended: error.status === 401 });
      if (error.code === "consent_needed") this.#askAgain(item);
    }
  }

  /** The terms have changed since this page was opened. */
  #askAgain(item) {
    this.#terms.lapse();
    this.#afterwards(async () => (await this.#terms.ask()) && this.retry(item));
  }

  #listenToButtons() {
    for (const [button, input] of [["choose", "file-input"], ["camera", "camera-input"]]) {
      const field = document.getElementById(input);
      document.getElementById(button).addEventListener("click", () => field.click());
      field.addEventListener("change", () => {
        this.take([...field.files]);
        field.value = "";
      });
      field.addEventListener("cancel", () => (this.#again = null));
    }
    document.getElementById("camera").hidden = !matchMedia("(pointer: coarse)").matches;
    for (const button of document.querySelectorAll("[data-sample]")) button.addEventListener("click", () => this.#sample(button));
  }
}

/** Once it has been opened: the frame is kept in the original's pixels. */
export function canMarkAgain(item) {
  return !!item?.prediction?.image.width && !!item.prediction.links.preview && !["waiting", "running"].includes(item.status);
}

function forget({ picture }) {
  URL.revokeObjectURL(picture);
}
