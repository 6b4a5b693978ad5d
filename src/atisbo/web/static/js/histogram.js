// How often each brightness of red, green and blue occurs: read from the file itself, before anything is sent.

import { decimal, say, whole } from "./words.js";

const LONGEST = 512; // pixels that are looked at along the longer side
const CHANNELS = ["red", "green", "blue"];
const TALLEST = 62; // of the 64 units of the drawing

export class Histogram {
  #root = document.getElementById("histogram");
  #drawing = this.#root.querySelector("svg");
  #shown = null;

  /** Draw that of an item's picture; of a file that the browser cannot show, that of the picture which comes with the answer. */
  async show(item) {
    const sources = item ? [item.picture, opened(item) && item.prediction.links.preview].filter(Boolean) : [];
    const wanted = sources.join(" ");
    if (this.#shown === wanted) return;
    this.#shown = wanted;
    this.#root.hidden = true;
    for (const source of sources) {
      const counts = await count(source).catch(() => null);
      if (this.#shown !== wanted) return;
      if (counts) return this.#draw(counts);
    }
  }

  #draw(counts) {
    const top = peak(counts);
    const means = counts.map(mean);
    for (const [at, channel] of CHANNELS.entries()) {
      this.#drawing.querySelector(`[data-channel=${channel}]`).setAttribute("d", outline(counts[at], top));
      this.#root.querySelector(`dl [data-channel=${channel}] dd`).textContent = decimal(means[at], 0);
    }
    const [dark, bright] = [share(counts, 0, 64), share(counts, 192, 256)];
    const [red, green, blue] = means.map((value) => decimal(value, 0));
    this.#drawing.setAttribute("aria-label", say("histogram", { red, green, blue, dark: whole(dark), bright: whole(bright) }));
    this.#root.hidden = false;
  }
}

function opened({ status, prediction }) {
  return !!prediction?.links.preview && !["sending", "waiting", "running", "failed"].includes(status);
}

/** Three arrays of 256 counts. Pixels are picked, not mixed, so that a smaller sample keeps the tones; what is clear lies on white. */
async function count(source) {
  const image = new Image();
  image.src = source;
  await image.decode();
  const scale = Math.min(1, LONGEST / Math.max(image.naturalWidth, image.naturalHeight));
  const [width, height] = [image.naturalWidth, image.naturalHeight].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingEnabled = false;
  context.drawImage(image, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const counts = CHANNELS.map(() => new Uint32Array(256));
  for (let at = 0; at < data.length; at += 4) for (let channel = 0; channel < 3; channel += 1) counts[channel][data[at + channel]] += 1;
  return counts;
}

/** The count that is drawn at full height: spikes, of a white margin say, are cut off, so that the rest can be seen. */
function peak(counts) {
  const sorted = counts.flatMap((channel) => [...smooth(channel)]).sort((a, b) => a - b);
  return Math.max(1, Math.min(sorted.at(-1), 2 * sorted[Math.floor(sorted.length * 0.97)]));
}

function smooth(channel) {
  return Float64Array.from(channel, (value, at) => ((channel[at - 1] ?? value) + 2 * value + (channel[at + 1] ?? value)) / 4);
}

function outline(channel, top) {
  const points = Array.from(smooth(channel), (value, at) => `${at} ${(64 - TALLEST * Math.min(1, value / top)).toFixed(1)}`);
  return `M0 64L${points.join("L")}L256 64Z`;
}

function mean(channel) {
  const [all, weighted] = channel.reduce(([sum, total], value, at) => [sum + value, total + at * value], [0, 0]);
  return weighted / Math.max(1, all);
}

/** The part of all values that lie from ``low`` to below ``high``. */
function share(counts, low, high) {
  const all = counts[0].reduce((sum, value) => sum + value, 0);
  return counts.reduce((sum, channel) => sum + channel.slice(low, high).reduce((part, value) => part + value, 0), 0) / (3 * all);
}
