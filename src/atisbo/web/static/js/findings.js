// What is it, how sure, where: the answer in the order a person asks.

import { about, decimal, megabytes, moment, percent, say, sayMany, score } from "./words.js";

const ANSWERED = ["done", "unsure"];

/** The answer, or where it stands, as one sentence. */
export function sentence(item) {
  const { findings, queue } = item.prediction ?? {};
  if (findings?.task === "segmentation") {
    const key = about(findings.label, "found");
    if (findings.empty) return say(`${key}.none`);
    return sayMany(key, findings.regions.length, { area: percent(findings.area_percent) });
  }
  if (findings) return findings.label;
  if (item.status === "sending" && item.file)
    return say("sending.sentence", { done: megabytes(item.file.size * item.progress), size: megabytes(item.file.size) });
  if (item.status === "waiting" && queue?.position > 1) return say("waiting.place", { position: queue.position });
  return say(`${item.status}.sentence`);
}

export class Findings {
  #root = document.getElementById("findings");
  #stage;
  #welcome;

  constructor(stage) {
    this.#stage = stage;
    this.#welcome = [this.#slot("sentence").textContent, this.#slot("explanation").textContent];
  }

  show(item) {
    const findings = item?.prediction?.findings;
    const answered = ANSWERED.includes(item?.status) && !!findings;
    const when = { welcome: !item, failed: item?.status === "failed", stored: !!item?.prediction, opened: !!item?.prediction?.image.width, answered, outlined: answered && !findings.empty, empty: answered && findings.empty };
    for (const part of this.#root.querySelectorAll("[data-when]")) part.hidden = !when[part.dataset.when];
    this.#slot("state").hidden = !item;
    if (!item) return this.#text({ sentence: this.#welcome[0], explanation: this.#welcome[1] });
    this.#state(item.status);
    this.#text({ sentence: sentence(item), explanation: explanation(item) });
    if (item.prediction) this.#facts(item.prediction);
    if (!answered) return;
    this.#scale(findings);
    this.#regions(findings.regions ?? []);
    this.#downloads(item);
  }

  #state(status) {
    const state = this.#slot("state");
    state.dataset.state = status;
    state.querySelector("use").setAttribute("href", `#state-${status}`);
    state.querySelector("[data-slot=word]").textContent = say(status);
  }

  #scale({ probability, threshold }) {
    const scale = this.#slot("scale");
    const place = (selector, attributes) => {
      for (const [name, value] of Object.entries(attributes)) scale.querySelector(selector).setAttribute(name, `${100 * value}%`);
    };
    place(".bar", { width: probability });
    place(".point", { x1: threshold, x2: threshold });
    place(".at", { x: Math.min(Math.max(threshold, 0.25), 0.72) });
    place(".value", { x: probability });
    const value = scale.querySelector(".value");
    value.textContent = score(probability);
    value.setAttribute("text-anchor", probability > 0.9 ? "end" : probability < 0.1 ? "start" : "middle");
    scale.setAttribute("aria-label", say("scale", { value: score(probability), threshold: score(threshold) }));
    this.#text({ sure: say(`sure.${howSure(probability, threshold)}`, { threshold: score(threshold) }) });
  }

  #regions(regions) {
    this.#text({ regions: sayMany("regions", regions.length) });
    const template = document.getElementById("region-item");
    const rows = regions.map((region, index) => {
      const row = template.content.firstElementChild.cloneNode(true);
      const button = row.firstElementChild;
      row.querySelector("[data-slot=area]").textContent = say("region.area", { area: percent(region.area_percent) });
      row.querySelector("[data-slot=score]").textContent = say("region.sure", { value: score(region.probability) });
      button.title = say("region.show", { number: index + 1 });
      for (const type of ["pointerenter", "focus"]) button.addEventListener(type, () => this.#stage.light(index));
      for (const type of ["pointerleave", "blur"]) button.addEventListener(type, () => this.#stage.light(null));
      button.addEventListener("click", () => {
        this.#stage.light(index);
        this.#root.dataset.sheet = "peek";
      });
      return row;
    });
    this.#slot("region-list").replaceChildren(...rows);
  }

  #downloads({ name, prediction }) {
    const stem = name.replace(/\.[^.]+$/, "");
    for (const [link, file] of Object.entries({ mask: `${stem}-mask.png`, overlay: `${stem}-overlay.png`, self: `${stem}.json` })) {
      const button = this.#root.querySelector(`[data-download=${link}]`);
      button.href = prediction.links[link];
      button.download = file;
    }
  }

  #facts({ image, created_at: asked, finished_at: finished, version }) {
    const size = image.width ? say("pixels", { width: image.width, height: image.height }) : "–";
    const took = finished ? ` · ${say("seconds", { seconds: decimal((new Date(finished) - new Date(asked)) / 1000) })}` : "";
    this.#text({ file: image.file_name, size, asked: moment(asked) + took, version: version ?? "–" });
  }

  #text(texts) {
    for (const [name, text] of Object.entries(texts)) this.#slot(name).textContent = text;
  }

  #slot(name) {
    return this.#root.querySelector(`[data-slot=${name}]`);
  }
}

function explanation(item) {
  if (item.status === "failed") return item.problem ?? "";
  if (item.status === "unsure" && item.prediction.findings) return say("unsure.sentence");
  return item.prediction?.findings?.empty ? say("none.explained") : "";
}

function howSure(probability, threshold) {
  if (probability < threshold) return "below";
  const way = (probability - threshold) / (1 - threshold);
  return way > 0.8 ? "far" : way > 0.25 ? "above" : "near";
}
