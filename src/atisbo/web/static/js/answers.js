// What is said of an image: its answer, or where it stands, in sentences.

import { about, capital, label, megabytes, percent, say, sayMany, score } from "./words.js";

const ANSWERED = ["done", "unsure"];

export function answered(item) {
  return ANSWERED.includes(item?.status) && !!item.prediction?.findings;
}

/** What was outlined: the answer itself, or the structures beside a class. */
export function outlines(findings) {
  return findings?.task === "segmentation" ? findings : (findings?.structures ?? null);
}

/** The answer, or where it stands, as one sentence. */
export function sentence(item) {
  const { findings, queue } = item.prediction ?? {};
  if (item.status === "unsure") return say("unsure.sentence");
  if (findings) return answer(findings);
  if (item.status === "refused" && item.problem) return parts(item.problem)[0];
  if (item.status === "sending" && item.file)
    return say("sending.sentence", { done: megabytes(item.file.size * item.progress), size: megabytes(item.file.size) });
  if (item.status === "waiting" && queue) return place(queue);
  return say(`${item.status}.sentence`);
}

/** Where it stands in the queue, and how long it takes if that is known and worth saying. */
function place({ position, expected_s: seconds }) {
  const key = position > 1 ? "waiting.place" : "waiting.sentence";
  if (!seconds || seconds < 2) return say(key, { position });
  if (seconds < 90) return say(`${key}.seconds`, { position, seconds: seconds < 10 ? seconds : 5 * Math.ceil(seconds / 5) });
  return say(`${key}.minutes`, { position, minutes: Math.ceil(seconds / 60) });
}

/** What follows the sentence: why there is no answer, what the network leans to, what an empty answer means. */
export function explanation(item) {
  const findings = item.prediction?.findings;
  if (item.status === "chosen") return say("chosen.explained");
  if (item.status === "failed") return item.problem ?? "";
  if (item.status === "refused") return parts(item.problem ?? "")[1];
  if (item.status === "unsure" && findings) return say("unsure.leans", { answer: answer(findings) });
  return findings?.empty ? say("none.explained") : "";
}

/** Why the network is not sure. */
export function reason(item) {
  const findings = item.prediction?.findings;
  if (item.status !== "unsure" || !findings) return "";
  const { probability, threshold, probabilities, empty } = findings;
  if (probabilities && findings.above === null) {
    const [[first, most], [second, next]] = ranked(findings);
    return say("unsure.many", { first: label(first), most: score(most), second: label(second), next: score(next) });
  }
  if (empty && probability >= threshold) return say("unsure.speck");
  return say("unsure.near", { value: score(probability), threshold: score(threshold) });
}

/** How certain the network is of its answer, 0 to 1; null without an answer. Of an outline: how far its score is from the
 * operating point, 1 where it could not be farther. */
export function certainty({ prediction }) {
  const findings = prediction?.findings;
  if (!findings) return null;
  if (findings.probabilities) return findings.probabilities[findings.label];
  return findings.uncertainty === null || findings.uncertainty === undefined ? findings.probability : 1 - findings.uncertainty;
}

export function ranked({ probabilities }) {
  return Object.entries(probabilities).toSorted(([, a], [, b]) => b - a);
}

/** How a probability stands to the operating point, as the end of a key. */
export function howSure({ task, probability, threshold }) {
  const above = probability >= threshold;
  const way = above ? (probability - threshold) / (1 - threshold) : (threshold - probability) / threshold;
  if (task === "classification") return `class.${above ? "above" : "below"}${way > 0.25 ? "" : ".near"}`;
  if (!above) return "sure.below";
  return way > 0.8 ? "sure.far" : way > 0.25 ? "sure.above" : "sure.near";
}

function answer(findings) {
  if (findings.task === "classification") return capital(label(findings.label));
  const key = about(findings.label, "found");
  if (findings.empty) return say(`${key}.none`);
  return sayMany(key, findings.regions.length, { area: percent(findings.area_percent) });
}

/** The first sentence, and the others. */
function parts(text) {
  const end = text.search(/[.!?]\s/) + 1;
  return end ? [text.slice(0, end), text.slice(end).trim()] : [text, ""];
}
