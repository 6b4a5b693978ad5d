// What is it, how sure, where: the answer in the order a person asks.

import { answered, certainty, explanation, outlines, reason, sentence } from "./answers.js";
import { correctable } from "./correct.js";
import { tell } from "./ended.js";
import { draw, layerOf } from "./outline.js";
import { canMarkAgain } from "./intake.js";
import { reviewable } from "./review.js";
import { drawBars, drawScale } from "./scale.js";
import { capital, decimal, label, moment, percent, say, sayMany, score, stemOf } from "./words.js";

export class Findings {
  #root = document.getElementById("findings");
  #positive = document.getElementById("bench").dataset.positive;
  #stage;
  #welcome;

  constructor(stage) {
    this.#stage = stage;
    this.#welcome = [this.#slot("sentence").textContent, this.#slot("explanation").textContent];
  }

  show(item) {
    for (const part of this.#root.querySelectorAll("[data-when]")) part.hidden = !whenOf(item)[part.dataset.when];
    this.#slot("state").hidden = !item;
    this.#slot("answer").dataset.state = item?.status ?? "";
    if (!item) return this.#text({ sentence: this.#welcome[0], explanation: this.#welcome[1], reason: "" });
    this.#state(item.status);
    this.#text({ sentence: sentence(item), explanation: explanation(item), reason: reason(item) });
    if (item.ended) tell(this.#slot("explanation"), { message: item.problem, status: 401 });
    if (item.prediction) this.#facts(item.prediction);
    if (answered(item)) this.#answer(item);
  }

  #answer(item) {
    const { findings } = item.prediction;
    const asked = findings.above !== undefined && findings.above !== null && this.#positive;
    this.#text({ "how-sure": asked ? say("class.probability", { label: label(asked) }) : say("how.sure") });
    if (scaled(findings)) {
      const sure = drawScale(this.#slot("scale"), findings);
      const certain = findings.task === "segmentation" ? say("sure.certainty", { value: score(certainty(item)) }) : "";
      this.#text({ sure: item.status === "unsure" ? "" : `${sure} ${certain}`.trim() });
    }
    if (findings.probabilities) {
      drawBars(this.#slot("bars"), findings, this.#positive);
      this.#ratios(findings.ratios ?? {});
    }
    this.#regions(findings);
    this.#crop(item);
    this.#downloads(item);
  }

  #state(status) {
    const state = this.#slot("state");
    state.dataset.state = status;
    state.querySelector("use").setAttribute("href", `#state-${status}`);
    state.querySelector("[data-slot=word]").textContent = say(status);
  }

  #ratios(ratios) {
    const rows = Object.entries(ratios).flatMap(([name, value]) => {
      const [term, figure] = [document.createElement("dt"), document.createElement("dd")];
      term.textContent = capital(label(name));
      figure.textContent = decimal(value, 2);
      return [term, figure];
    });
    this.#slot("ratios").replaceChildren(...rows);
  }

  #regions(findings) {
    const regions = outlines(findings)?.regions ?? [];
    const several = new Set(regions.map(({ label }) => label)).size > 1 || findings.task === "classification";
    this.#text({ regions: several ? say("structures") : sayMany("regions", regions.length) });
    const template = document.getElementById("region-item");
    const rows = regions.map((region, index) => {
      const row = template.content.firstElementChild.cloneNode(true);
      const button = row.firstElementChild;
      const area = say(several ? "region.part" : "region.area", { area: percent(region.area_percent) });
      row.querySelector("[data-slot=area]").textContent = several ? capital(label(region.label)) : area;
      row.querySelector("[data-slot=score]").textContent = several ? area : say("region.sure", { value: score(region.probability) });
      row.dataset.layer = layerOf(region.label);
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

  /** The part that was analysed, with what was outlined in it. */
  async #crop(item) {
    const { region, links } = item.prediction;
    const image = this.#slot("crop");
    if (!region || !links.crop) return image.removeAttribute("src");
    if (image.getAttribute("src") !== links.crop) image.src = links.crop;
    const svg = this.#slot("crop-outline");
    svg.replaceChildren();
    const contours = await this.#stage.contours(item);
    if (contours && image.getAttribute("src") === links.crop) draw(svg, contours, region);
  }

  #downloads({ name, prediction }) {
    const stem = stemOf(name);
    for (const [link, file] of Object.entries({ mask: `${stem}-mask.png`, overlay: `${stem}-overlay.png`, report: `${stem}.pdf`, self: `${stem}.json` })) {
      const button = this.#root.querySelector(`[data-download=${link}]`);
      button.hidden = !prediction.links[link];
      button.href = prediction.links[link] ?? "#";
      button.download = file;
    }
  }

  #facts({ image, application, created_at: asked, finished_at: finished, version, pair }) {
    if (pair) this.#slot("pair").href = `/a/${application}/pair/${pair.id}`;
    const size = image.width ? say("pixels", { width: image.width, height: image.height }) : "–";
    const took = finished ? ` · ${say("seconds", { seconds: decimal((new Date(finished) - new Date(asked)) / 1000) })}` : "";
    this.#text({ file: image.file_name, size, asked: moment(asked) + took, version: version ?? "–" });
    if (version) this.#slot("version").href = `/a/${application}/card/${version}`;
  }

  #text(texts) {
    for (const [name, text] of Object.entries(texts)) this.#slot(name).textContent = text;
  }

  #slot(name) {
    return this.#root.querySelector(`[data-slot=${name}]`);
  }
}

/** A yes-or-no answer has a scale with an operating point; a choice among several labels has only bars. */
function scaled(findings) {
  return findings.task === "segmentation" || findings.above !== null;
}

/** Which parts of the panel this item has. */
function whenOf(item) {
  const findings = answered(item) ? item.prediction.findings : null;
  const labels = Object.keys(findings?.probabilities ?? {}).length;
  const drawn = outlines(findings);
  const sure = !!findings && item.status === "done";
  return {
    welcome: !item,
    chosen: item?.status === "chosen",
    failed: item?.status === "failed",
    refused: item?.status === "refused",
    stored: !!item?.prediction,
    reviewable: reviewable(item),
    correctable: correctable(item),
    opened: !!item?.prediction?.image.width,
    answered: !!findings,
    scaled: !!findings && scaled(findings),
    classes: labels > 2 || (labels > 0 && findings.above === null),
    named: sure && labels > 0,
    outlined: !!drawn && !drawn.empty,
    ratios: Object.keys(findings?.ratios ?? {}).length > 0,
    markable: canMarkAgain(item),
    paired: !!item?.prediction?.pair,
    cropped: !!findings && !!item.prediction.region,
    found: sure && findings.empty === false,
    empty: sure && findings.empty === true,
  };
}
