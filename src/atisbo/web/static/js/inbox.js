// The review inbox: one key an answer, the next image there already. What is said goes out behind and can be undone.

import { explanation, sentence } from "./answers.js";
import { correctable, paint } from "./correct.js";
import { Editor } from "./editor.js";
import { drew, lines, masks, outline } from "./inbox-readers.js";
import { inboxAnswer, inboxNext, inboxRelease, inboxUndo, putMask } from "./server.js";
import { Stage } from "./stage.js";
import { say } from "./words.js";

const AHEAD = 4;
const HOUR_MS = 3_600_000;
const PATIENCE_MS = 5000;
const TYPING = "input:not([type=range]), textarea, select";

class Inbox {
  #bench = document.getElementById("bench");
  #stage = new Stage();
  #editor = new Editor();
  #list = [];
  #at = 0;
  #filling = null;
  #busy = true;
  #counts;
  #started = performance.now();
  #said = 0;

  constructor() {
    const { answered, waiting } = this.#slot("progress").dataset;
    this.#counts = { answered: Number(answered), waiting: Number(waiting) };
    this.#listen();
    addEventListener("pagehide", () => this.#list.filter(({ state }) => state === "open").forEach(({ id }) => inboxRelease(id)));
    this.#go(0);
  }

  get #current() {
    return this.#list[this.#at] ?? null;
  }

  /** Show another place of the list; ``since`` is when the key was pressed that led there. */
  async #go(at, since = performance.now()) {
    this.#busy = true;
    this.#at = Math.max(at, 0);
    if (this.#at >= this.#list.length) await this.#fill();
    const entry = this.#current;
    document.getElementById("inbox-empty").hidden = !!entry;
    document.getElementById("inbox-body").hidden = !entry;
    this.#panel(entry);
    this.#outlines(entry);
    await this.#stage.show(entry?.item ?? null).catch(() => null);
    await new Promise(requestAnimationFrame);
    this.#busy = false;
    this.#bench.dataset.shown = entry?.item.id ?? "";
    this.#bench.dataset.ms = `${this.#bench.dataset.ms ?? ""} ${Math.round(performance.now() - since)}`.trim();
    if (!entry) return setTimeout(() => !this.#current && this.#go(this.#at), PATIENCE_MS);
    this.#fill();
  }

  /** Keep a few images ahead, with their picture and outlines. */
  #fill() {
    const ahead = this.#list.length - this.#at - 1;
    if (ahead >= AHEAD) return Promise.resolve();
    this.#filling ??= this.#more(AHEAD - ahead).finally(() => (this.#filling = null));
    return this.#filling;
  }

  async #more(count) {
    const found = await inboxNext(this.#bench.dataset.application, count).catch((refusal) => this.#trouble(refusal) ?? []);
    for (const reading of found) {
      const { prediction } = reading;
      const item = { id: prediction.id, key: prediction.id, name: prediction.image.file_name, status: prediction.status, picture: null, prediction };
      this.#list.push({ id: reading.id, reading, item, state: "open", said: null, turn: Promise.resolve() });
      new Image().src = prediction.links.preview;
      this.#stage.contours(item);
    }
  }

  #panel(entry) {
    this.#progress();
    if (!entry) return;
    const { reading, item, said } = entry;
    const { findings } = item.prediction;
    this.#bench.toggleAttribute("data-blind", reading.hidden);
    this.#slot("why").textContent = say(`inbox.${reading.drawn}`);
    this.#slot("sentence").textContent = reading.hidden ? say("inbox.hidden") : sentence(item);
    this.#slot("explanation").textContent = reading.hidden ? say("inbox.hidden.explained") : explanation(item);
    this.#slot("asked").textContent = reading.asked ? say(`inbox.asked.${reading.asked.verdict}`) : "";
    this.#readers(reading.readers);
    for (const button of this.#bench.querySelectorAll("[data-verdict]")) {
      button.setAttribute("aria-pressed", String(said?.verdict === button.dataset.verdict));
      button.hidden = reading.hidden && button.dataset.verdict !== "unknown";
    }
    for (const button of this.#bench.querySelectorAll("[data-label]")) {
      button.setAttribute("aria-pressed", String(said?.label === button.dataset.label));
      button.toggleAttribute("data-network", !reading.hidden && findings?.label === button.dataset.label);
    }
    this.#state(entry);
    document.getElementById("announcer").textContent = `${this.#slot("why").textContent} ${this.#slot("sentence").textContent}`;
  }

  #readers(readers) {
    const list = this.#slot("readers");
    list.hidden = !readers.length;
    list.replaceChildren(...lines(readers, this.#takes));
  }

  get #takes() {
    return this.#bench.dataset.task === "segmentation";
  }

  /** Decide for the outline of one of the two readers. */
  async #take(number, since) {
    const entry = this.#current;
    const review = entry?.reading.readers[number];
    if (this.#busy || !drew(review)) return;
    try {
      await putMask(entry.item.id, new Blob([await outline(entry.item.id, review)]), null);
    } catch (refusal) {
      return this.#trouble(refusal);
    }
    if (this.#current === entry) this.#answer({ verdict: "wrong", label: null }, since);
  }

  /** The outlines of the two who differ, each in the colour of its line. */
  async #outlines(entry) {
    const canvas = this.#bench.querySelector("[data-correction]");
    canvas.hidden = true;
    const found = entry && (await masks(entry.item.id, entry.reading.readers));
    if (!found || this.#current !== entry) return;
    paint(canvas, found);
    canvas.hidden = false;
  }

  #state({ state, trouble }) {
    const line = this.#slot("state");
    line.textContent = trouble ?? (state === "answered" ? say("inbox.answered") : "");
    line.toggleAttribute("data-bad", !!trouble);
    document.getElementById("inbox-back").disabled = this.#at === 0;
    document.getElementById("inbox-undo").disabled = !this.#list.some((one) => one.state === "answered");
  }

  #progress() {
    const { answered, waiting } = this.#counts;
    this.#slot("progress").textContent = say("inbox.progress", { answered, waiting });
    Object.assign(document.getElementById("inbox-done"), { max: Math.max(answered + waiting, 1), value: answered });
    const hours = (performance.now() - this.#started) / HOUR_MS;
    this.#slot("pace").textContent = this.#said > 4 ? say("inbox.pace", { count: Math.round(this.#said / hours) }) : "";
  }

  /** Say it and go on; the answer is sent behind. */
  #answer(said, since) {
    const entry = this.#current;
    if (this.#busy || !entry) return;
    const first = entry.state !== "answered";
    Object.assign(entry, { state: "answered", said, trouble: null });
    if (first) this.#count(1);
    entry.turn = entry.turn
      .then(() => inboxAnswer(entry.id, entry.reading.hidden ? { label: said.label } : said))
      .catch((refusal) => this.#failed(entry, refusal));
    this.#go(this.#at + 1, since);
  }

  #count(by) {
    this.#said += by;
    this.#counts.answered += by;
    this.#counts.waiting = Math.max(this.#counts.waiting - by, 0);
  }

  #failed(entry, refusal) {
    Object.assign(entry, { state: "open", said: null, trouble: refusal.message });
    this.#count(-1);
    if (refusal.code === "reading_expired" || refusal.code === "reading_unknown") entry.state = "gone";
    this.#go(this.#list.indexOf(entry));
  }

  #trouble(refusal) {
    const line = this.#slot("state");
    line.textContent = refusal.message;
    line.toggleAttribute("data-bad", true);
  }

  #judge(verdict, since) {
    const { reading, item } = this.#current ?? {};
    if (!reading || (reading.hidden && verdict !== "unknown")) return;
    const theirs = item.prediction.findings?.task === "classification" ? item.prediction.findings.label : null;
    const others = [...this.#bench.querySelectorAll("[data-label]")].map(({ dataset }) => dataset.label).filter((one) => one !== theirs);
    const wrong = theirs && others.length === 1 ? others[0] : null;
    this.#answer({ verdict, label: verdict === "right" ? theirs : verdict === "wrong" ? wrong : null }, since);
  }

  #name(value, since) {
    const { reading, item } = this.#current ?? {};
    if (!reading || !value) return;
    const right = !reading.hidden && item.prediction.findings?.label === value;
    this.#answer({ verdict: right ? "right" : "wrong", label: value }, since);
  }

  async #edit() {
    const entry = this.#current;
    if (!entry || this.#busy || !document.getElementById("inbox-edit")) return;
    const { reading, item } = entry;
    if (!reading.hidden && !correctable(item)) return;
    await entry.turn;
    const { image, links, region } = item.prediction;
    const review = await this.#editor.open({
      id: item.id,
      name: item.name,
      preview: links.preview,
      width: image.width,
      height: image.height,
      layers: this.#bench.dataset.layers.split(" "),
      part: region,
      version: entry.version ?? null,
      corrected: entry.corrected,
      blank: reading.hidden,
    });
    if (!review) return;
    Object.assign(entry, { version: null, corrected: true });
    if (this.#bench.dataset.task === "segmentation") this.#answer({ verdict: reading.hidden ? "unknown" : "wrong", label: null });
    else this.#slot("state").textContent = say("inbox.drawn.also");
  }

  async #undo() {
    if (this.#busy) return;
    const before = this.#list.slice(0, this.#at + 1).findLastIndex(({ state }) => state === "answered");
    const at = before >= 0 ? before : this.#list.findLastIndex(({ state }) => state === "answered");
    const entry = this.#list[at];
    if (!entry) return;
    try {
      await entry.turn;
      await inboxUndo(entry.id);
      Object.assign(entry, { state: "open", said: null, corrected: false });
      this.#count(-1);
      this.#go(at);
    } catch (refusal) {
      this.#trouble(refusal);
    }
  }

  #slot(name) {
    return this.#bench.querySelector(`.inbox-panel [data-slot=${name}]`);
  }

  #listen() {
    this.#bench.addEventListener("click", ({ target, timeStamp }) => {
      const { verdict, label: value, take } = target.closest("button")?.dataset ?? {};
      if (take) this.#take(Number(take), timeStamp);
      if (verdict) this.#judge(verdict, timeStamp);
      if (value) this.#name(value, timeStamp);
    });
    document.getElementById("inbox-edit")?.addEventListener("click", () => this.#edit());
    document.getElementById("inbox-undo").addEventListener("click", () => this.#undo());
    document.getElementById("inbox-back").addEventListener("click", () => this.#walk(-1));
    document.getElementById("inbox-later").addEventListener("click", () => this.#walk(1));
    document.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("keyup", ({ key }) => key === " " && (this.#stage.bare = false));
  }

  #walk(by) {
    if (!this.#busy) this.#go(this.#at + by);
  }

  #key(event) {
    const { key, target, timeStamp } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || document.querySelector("dialog[open]")) return;
    if (target.matches(TYPING) || (key.startsWith("Arrow") && target.matches("input"))) return;
    if (key === " " && target.matches("button, summary, a, input")) return;
    const digit = this.#bench.querySelectorAll("[data-label]")[Number(key) - 1];
    const actions = {
      y: () => this.#judge("right", timeStamp),
      n: () => this.#judge("wrong", timeStamp),
      "?": () => document.getElementById("keys-dialog").showModal(),
      u: () => this.#judge("unknown", timeStamp),
      e: () => this.#edit(),
      z: () => this.#undo(),
      Backspace: () => this.#undo(),
      ArrowLeft: () => this.#walk(-1),
      ArrowRight: () => this.#walk(1),
      " ": () => (this.#stage.bare = true),
      h: () => this.#stage.heat.toggle(),
      o: () => this.#stage.toggle("overlay"),
      "+": () => this.#stage.viewport.zoomBy(1.4),
      "-": () => this.#stage.viewport.zoomBy(1 / 1.4),
      0: () => this.#stage.viewport.fit(),
    };
    if (this.#takes && (key === "1" || key === "2")) actions[key] = () => this.#take(Number(key) - 1, timeStamp);
    const action = digit ? () => this.#name(digit.dataset.label, timeStamp) : actions[key.length === 1 ? key.toLowerCase() : key];
    if (!action) return;
    event.preventDefault();
    action();
  }
}

new Inbox();
