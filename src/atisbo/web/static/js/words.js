// Sentences come with the page, in the reader's language; numbers and dates are written its way.

const sentences = JSON.parse(document.getElementById("words").textContent);
const labels = JSON.parse(document.getElementById("labels").textContent);
const language = document.documentElement.lang;
const plurals = new Intl.PluralRules(language);
const clock = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

export function say(key, values = {}) {
  return sentences[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export function sayMany(key, count, values = {}) {
  const form = count === 1 ? "one" : plurals.select(count) === "one" ? "one" : "other";
  return say(`${key}.${form}`, { count, ...values });
}

/** What a label, a structure or a ratio is called. */
export function label(name) {
  return labels[name] ?? name.replaceAll("_", " ");
}

export function capital(text) {
  return text.charAt(0).toLocaleUpperCase(language) + text.slice(1);
}

/** The sentence made for this label if there is one, else the one for any label. */
export function about(label, key) {
  return `${label}.${key}.one` in sentences ? `${label}.${key}` : key;
}

export function percent(value) {
  const digits = value > 0 && value < 0.1 ? 2 : 1;
  return new Intl.NumberFormat(language, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value / 100);
}

export function whole(share) {
  return new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 }).format(share);
}

/** Two digits, never rounded up to a certainty that was not given. */
export function score(value) {
  const shown = value < 1 ? Math.min(value, 0.99) : 1;
  return new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(shown);
}

export function decimal(value, digits = 1) {
  return new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

export function megabytes(bytes) {
  return say("megabytes", { size: decimal(bytes / 1024 ** 2) });
}

export function moment(iso) {
  return clock.format(new Date(iso));
}

/** A file's name without its ending. */
export function stemOf(name) {
  return name.replace(/\.[^.]+$/, "");
}
