// Probabilities as bars: one on a scale with its operating point, or one for each label.

import { howSure, ranked } from "./answers.js";
import { capital, label, say, score } from "./words.js";

/** Draw one probability; returns the sentence that says how it stands to the operating point. */
export function drawScale(scale, findings) {
  const { probability, threshold } = findings;
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
  scale.toggleAttribute("data-unsure", findings.unsure === true);
  const key = findings.task === "classification" ? "class.scale" : "scale";
  scale.setAttribute("aria-label", say(key, { value: score(probability), threshold: score(threshold) }));
  return say(howSure(findings), { threshold: score(threshold) });
}

/** One row for each label, the most probable first; ``positive`` has the operating point on its bar. */
export function drawBars(list, findings, positive) {
  const template = document.getElementById("bar-item");
  const rows = ranked(findings).map(([name, probability]) => {
    const row = template.content.firstElementChild.cloneNode(true);
    row.querySelector("[data-slot=label]").textContent = capital(label(name));
    row.querySelector("[data-slot=value]").textContent = score(probability);
    row.style.setProperty("--share", probability);
    row.toggleAttribute("data-chosen", name === findings.label);
    if (name === positive && findings.above !== null) row.style.setProperty("--at", findings.threshold);
    else row.querySelector(".at").remove();
    return row;
  });
  list.replaceChildren(...rows);
  list.toggleAttribute("data-unsure", findings.unsure === true);
}
