// The corrected outline of the image in sight: its line below the verdict, its colour on the picture, the way to the editor.

import { answered, outlines } from "./answers.js";
import { getMask, removeMask } from "./server.js";
import { label, say, score, stemOf } from "./words.js";

const LARGEST = 1600;
/** Magenta, and yellow for a second reader; blue, green and red from the highest byte below the opacity. */
const COLOURS = [0xd84fff, 0x0ad6ff];
const FILL = 0x40000000;
const EDGE = 0xff000000;

export function correctable(item) {
  return answered(item) && !!outlines(item.prediction.findings) && !!item.prediction.image.width;
}

export class Correction {
  #editor = null; // loaded when it is first wanted
  #collection;
  #layers;
  #canvas = document.querySelector("[data-correction]");
  #line = document.querySelector(".correction-line");
  #taking = document.getElementById("take-corrected");
  #item = null;
  #shown = null;

  constructor(collection, layers) {
    this.#collection = collection;
    this.#layers = layers;
    document.getElementById("correct").addEventListener("click", () => this.edit());
    document.getElementById("uncorrect").addEventListener("click", () => this.#remove(this.#item));
    this.#taking.addEventListener("click", () => this.#take(this.#item));
  }

  show(item) {
    this.#item = item;
    const mask = correctable(item) ? item.review?.mask : null;
    this.#line.hidden = !mask;
    this.#taking.hidden = mask?.state !== "kept";
    if (mask) this.#line.querySelector("[data-slot=correction]").textContent = sentence(mask);
    this.#picture(item, mask?.state === "kept" ? mask.sha256 : null);
  }

  /** Whether the editor was there to be gone back from. */
  back() {
    return !!this.#editor?.back();
  }

  async edit() {
    const item = this.#item;
    if (!correctable(item)) return;
    await item.turn;
    this.#editor ??= new (await import("./editor.js")).Editor();
    const { image, links, region } = item.prediction;
    const review = await this.#editor.open({
      id: item.id,
      name: item.name,
      preview: links.preview,
      width: image.width,
      height: image.height,
      layers: this.#layers,
      part: region,
      version: item.stored?.version ?? 0,
      corrected: item.review?.mask?.state === "kept",
    });
    if (review) this.#collection.change(item, { stored: review, review });
  }

  async #remove(item) {
    try {
      const review = await removeMask(item.id, item.stored.version);
      this.#collection.change(item, { stored: review, review });
    } catch (refusal) {
      this.#collection.change(item, { trouble: refusal.message });
    }
  }

  /** As a file, in the greys that the network's mask has: of the k-th of n layers k / n of white, later ones above. */
  async #take(item) {
    const [{ decode, encode }, { save }] = await Promise.all([import("./editor-png.js"), import("./save.js")]);
    try {
      const { pixels, width, height } = await decode(await getMask(item.id, "review/mask.png"));
      const greys = pixels.map((bits) => Math.round((255 * (32 - Math.clz32(bits))) / this.#layers.length));
      save(`${stemOf(item.name)}-corrected.png`, await encode(greys, width, height), "image/png");
    } catch (refusal) {
      this.#collection.change(item, { trouble: refusal.message });
    }
  }

  async #picture(item, sha) {
    const wanted = sha ? `${item.id} ${sha}` : null;
    if (wanted === this.#shown) return;
    this.#shown = wanted;
    this.#canvas.hidden = true;
    if (!wanted) return;
    const { decode } = await import("./editor-png.js");
    const bytes = await getMask(item.id, "review/mask.png").catch(() => null);
    if (!bytes || this.#shown !== wanted) return;
    const mask = await decode(bytes);
    if (this.#shown !== wanted) return;
    paint(this.#canvas, [mask]);
    this.#canvas.hidden = false;
  }
}

function sentence({ state, dice, problem }) {
  if (state === "refused") return problem;
  if (state === "checking") return say("correction.checking");
  const values = Object.entries(dice);
  const said = values.map(([name, value]) => (values.length > 1 ? `${label(name)} ${score(value)}` : score(value)));
  return say("correction.kept", { value: said.join(", ") });
}

/** Every layer's inside lightly, its edge fully; each mask in its own colour. Null for one that is not there. */
export function paint(canvas, masks) {
  const { width, height } = masks.find(Boolean);
  const scale = Math.min(1, LARGEST / Math.max(width, height));
  Object.assign(canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
  const image = new ImageData(canvas.width, canvas.height);
  const colours = new Uint32Array(image.data.buffer);
  masks.forEach((mask, number) => mask && tint(colours, canvas, mask, scale, COLOURS[number % COLOURS.length]));
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function tint(colours, canvas, { pixels, width, height }, scale, colour) {
  const line = Math.max(1, Math.round(Math.max(canvas.width, canvas.height) / 350));
  const at = (x, y) => {
    const [px, py] = [Math.floor(x / scale), Math.floor(y / scale)];
    return px >= 0 && py >= 0 && px < width && py < height ? pixels[py * width + px] : 0;
  };
  for (let y = 0; y < canvas.height; y++)
    for (let x = 0; x < canvas.width; x++) {
      const own = at(x, y);
      if (!own) continue;
      const edge = [at(x - line, y), at(x + line, y), at(x, y - line), at(x, y + line)].some((other) => own & ~other);
      const place = y * canvas.width + x;
      if (edge) colours[place] = (EDGE | colour) >>> 0;
      else colours[place] ||= (FILL | colour) >>> 0;
    }
}
