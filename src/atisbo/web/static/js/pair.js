// Two pictures of one person: each is chosen and marked, then both are sent, and the page with the answers opens.

import { freshKey } from "./collection.js";
import { Cropper } from "./crop.js";
import { listenToDrops } from "./drop.js";
import { tell } from "./ended.js";
import { obviousProblem } from "./intake-rules.js";
import { permits } from "./permits.js";
import { findRegion, Refusal, upload } from "./server.js";
import { Terms } from "./terms.js";
import { keep } from "./unsaved.js";

const page = document.getElementById("pair-new");
const { application, pair } = page.dataset;
const cropper = document.getElementById("crop-dialog") && new Cropper();
const terms = new Terms("agreed" in page.dataset);

/** One of the two; ``chosen`` is {file, picture, region, key, sent} or null. */
class Side {
  chosen = null;
  sending = false;
  #root;

  constructor(root) {
    this.#root = root;
    for (const [button, input] of [["[data-choose]", "[data-file]"], ["[data-camera]", "[data-shot]"]]) {
      const field = root.querySelector(input);
      for (const one of root.querySelectorAll(button)) one.addEventListener("click", () => field.click());
      field.addEventListener("change", () => {
        const [file] = field.files;
        field.value = "";
        if (file) inTurn(() => this.take(file));
      });
    }
    root.querySelector("[data-camera]").hidden = !matchMedia("(pointer: coarse)").matches;
    root.querySelector("[data-mark]").addEventListener("click", () => inTurn(() => this.#mark(this.chosen)));
  }

  get #title() {
    return this.#root.querySelector("h2").textContent;
  }

  /** A file; what was there stays if it will not do, or if marking it is called off. */
  async take(file) {
    const problem = obviousProblem(file, page.dataset);
    this.complain(problem);
    if (problem || !(await terms.ask())) return;
    await this.#mark({ file, picture: URL.createObjectURL(file), region: null });
  }

  async #mark(entry) {
    const find = () => findRegion(application, { file: entry.file });
    const name = `${this.#title} · ${entry.file.name}`;
    const marked = cropper ? await cropper.ask(entry.picture, { name, region: entry.region, find }) : { region: null };
    if (marked) this.put({ ...entry, ...marked, key: freshKey(), sent: false });
  }

  put(chosen) {
    this.chosen = chosen;
    this.complain("");
    this.#slot("name").textContent = chosen?.file.name ?? "";
    this.#slot("other").hidden = !chosen;
    this.#root.querySelector("[data-mark]").hidden = !chosen?.region;
    this.#draw();
    ready();
  }

  async #draw() {
    const canvas = this.#root.querySelector("canvas");
    const { picture, region } = this.chosen ?? {};
    canvas.hidden = true;
    if (!picture) return;
    const image = Object.assign(new Image(), { src: picture });
    const opened = await image.decode().then(() => true, () => false);
    if (!opened || this.chosen?.picture !== picture) return;
    const { x, y, width, height } = region ?? { x: 0, y: 0, width: image.naturalWidth, height: image.naturalHeight };
    const scale = Math.min(canvas.width / width, canvas.height / height);
    const box = [(canvas.width - width * scale) / 2, (canvas.height - height * scale) / 2, width * scale, height * scale];
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, x, y, width, height, ...box);
    canvas.hidden = false;
  }

  /** Send it; true once the service has it. The key stays while nothing is changed, so that nothing is stored twice. */
  async send() {
    const { file, region, key } = this.chosen;
    const progress = this.#root.querySelector("progress");
    progress.hidden = false;
    this.sending = true;
    try {
      await upload(application, file, {
        region,
        key,
        pair: { id: pair, side: this.#root.dataset.side },
        consent: permits(),
        onProgress: (share) => (progress.value = share),
      });
      this.chosen.sent = true;
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      if (refusal.code === "consent_needed") terms.lapse();
      this.complain(refusal.message);
      if (refusal.status === 401) tell(this.#slot("problem"), refusal);
    }
    progress.hidden = true;
    this.sending = false;
    return this.chosen.sent;
  }

  complain(text) {
    Object.assign(this.#slot("problem"), { textContent: text ?? "", hidden: !text });
  }

  #slot(name) {
    return this.#root.querySelector(`[data-slot=${name}]`);
  }
}

const ask = document.getElementById("pair-ask");
const swap = document.getElementById("pair-swap");
const sides = [...page.querySelectorAll("[data-side]")].map((root) => new Side(root));
let turn = Promise.resolve();
keep(() => sides.some(({ sending }) => sending));

/** Marking is one thing at a time; what comes meanwhile waits. */
function inTurn(work) {
  turn = turn.then(work).catch(reportError);
}

function ready() {
  const missing = sides.some(({ chosen }) => !chosen);
  ask.disabled = missing;
  document.getElementById("pair-missing").hidden = !missing;
  swap.disabled = sides.every(({ chosen }) => !chosen) || sides.some(({ chosen }) => chosen?.sent);
}

swap.addEventListener("click", () => {
  const [first, second] = sides.map(({ chosen }) => chosen && { ...chosen, key: freshKey() });
  sides[0].put(second);
  sides[1].put(first);
});

ask.addEventListener("click", async () => {
  if (!(await terms.ask())) return;
  ask.disabled = true;
  const sent = await Promise.all(sides.map((side) => side.chosen.sent || side.send()));
  if (sent.every(Boolean)) return location.assign(`/a/${application}/pair/${pair}`);
  ready();
});

listenToDrops((files) => {
  const free = sides.filter(({ chosen }) => !chosen);
  const places = files.length > 1 && free.length < 2 ? sides : free.length ? free : sides.slice(0, 1);
  for (const [index, file] of files.slice(0, places.length).entries()) inTurn(() => places[index].take(file));
});
