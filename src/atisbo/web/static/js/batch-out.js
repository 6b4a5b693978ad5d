// The table as a file: CSV that a spreadsheet opens without running anything, or JSON.

import { certainty } from "./answers.js";
import { answeredLabel } from "./batch-label.js";

const FORMULA = /^[=+\-@\t\r]/;

/** One plain object for each row, in the order that is seen. */
function facts(item) {
  const { prediction, review } = item;
  const findings = prediction?.findings ?? null;
  return {
    file: item.path ?? item.name,
    state: item.status,
    answer: findings?.task === "segmentation" ? (findings.empty ? "" : findings.label) : (answeredLabel(item) ?? ""),
    certainty: certainty(item),
    score: findings?.task === "segmentation" ? findings.probability : null,
    probabilities: findings?.probabilities ?? {},
    area_percent: findings?.task === "segmentation" ? findings.area_percent : null,
    regions: findings?.task === "segmentation" ? findings.regions.length : null,
    verdict: review?.verdict ?? "",
    label: review?.label ?? "",
    problem: item.problem ?? "",
    version: prediction?.version ?? "",
    id: item.id ?? "",
  };
}

export function json(items, notice) {
  return JSON.stringify({ notice, items: items.map(facts) }, null, 1);
}

export function csv(items) {
  const rows = items.map(facts);
  const labels = [...new Set(rows.flatMap(({ probabilities }) => Object.keys(probabilities)))];
  const outlined = rows.some(({ regions }) => regions !== null);
  const names = ["file", "state", "answer", "certainty", ...(outlined ? ["score", "area_percent", "regions"] : []), "verdict", "label", "problem", "version", "id"];
  const head = [...names, ...labels.map((label) => `p_${label}`)];
  const lines = rows.map((row) => [...names.map((name) => row[name]), ...labels.map((label) => row.probabilities[label])]);
  return `\ufeff${[head, ...lines].map((line) => line.map(cell).join(",")).join("\r\n")}\r\n`;
}

/** Text that a spreadsheet would take for a formula gets an apostrophe before it. */
function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
