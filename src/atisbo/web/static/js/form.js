// The form below an answer: what stands in it, as text, and what is wrong with it.

import { say } from "./words.js";

const comma = new Intl.NumberFormat(document.documentElement.lang).format(1.5).charAt(1);

export class Form {
  #form;
  #label;
  #fields;

  constructor(form) {
    this.#form = form;
    this.#label = form.elements.label ?? null;
    this.#fields = [...form.querySelectorAll("[data-field]")];
  }

  /** Everything as the reader wrote it: {label, and each question's answer by its name}, empty where there is none. */
  get said() {
    return Object.fromEntries(this.#names.map((name) => [name, this.#form.elements[name].value.trim()]));
  }

  set said(said) {
    for (const name of this.#names) this.#form.elements[name].value = said[name];
    this.#blame({});
  }

  /** A stored review in the shape of ``said``. */
  wording(review) {
    const words = ({ dataset: { field, type } }) => {
      const answer = review?.metadata[field];
      return [field, answer === undefined ? "" : type === "number" ? String(answer).replace(".", comma) : answer];
    };
    return { ...(this.#label && { label: review?.label ?? "" }), ...Object.fromEntries(this.#fields.map(words)) };
  }

  /** The answers as the service takes them, or null, with what is wrong beside its field. */
  check() {
    const { said } = this;
    const faults = Object.fromEntries(this.#fields.flatMap((field) => this.#fault(field, said[field.dataset.field])));
    this.#blame(faults);
    if (Object.keys(faults).length) return null;
    const given = this.#fields.filter(({ dataset }) => said[dataset.field]);
    return Object.fromEntries(given.map(({ dataset: { field, type } }) => [field, type === "number" ? number(said[field]) : said[field]]));
  }

  /** The answers in words of one's own, those that can say who somebody is. */
  texts(metadata) {
    const free = this.#fields.filter(({ dataset }) => dataset.type === "text" && metadata[dataset.field]);
    return Object.fromEntries(free.map(({ dataset: { field } }) => [field, metadata[field]]));
  }

  title(name) {
    return this.#find(name)?.querySelector("label, legend").textContent ?? name;
  }

  /** Go to a question; its first control. */
  focus(name) {
    this.#find(name)?.querySelector("input, select, textarea").focus();
  }

  /** What the label can be depends on the verdict: a right answer has its own, a wrong one any but that. */
  bind(verdict, answered) {
    if (!this.#label) return;
    this.#label.disabled = verdict === "right" && !!answered;
    for (const option of this.#label.options) option.disabled = verdict === "wrong" && !!answered && option.value === answered;
  }

  get #names() {
    return [...(this.#label ? ["label"] : []), ...this.#fields.map(({ dataset }) => dataset.field)];
  }

  #find(name) {
    return this.#fields.find(({ dataset }) => dataset.field === name);
  }

  #fault({ dataset: { field, type, min, max, unit = "", ...flags } }, text) {
    const fault = (key, limit) => [[field, say(key, { limit: `${String(limit).replace(".", comma)} ${unit}`.trim() })]];
    if (!text) return "required" in flags ? fault("field.needed") : [];
    if (type !== "number") return [];
    const value = number(text);
    if (!Number.isFinite(value)) return fault("field.number");
    if ("whole" in flags && !Number.isInteger(value)) return fault("field.whole");
    if (min !== undefined && value < Number(min)) return fault("field.low", Number(min));
    if (max !== undefined && value > Number(max)) return fault("field.high", Number(max));
    return [];
  }

  #blame(faults) {
    for (const field of this.#fields) {
      const fault = faults[field.dataset.field];
      Object.assign(field.querySelector("[data-error]"), { textContent: fault ?? "", hidden: !fault });
      for (const control of field.querySelectorAll("input, select, textarea")) control.setAttribute("aria-invalid", String(!!fault));
    }
    if (Object.keys(faults).length) this.focus(Object.keys(faults)[0]);
  }
}

/** With a comma or a point; anything else is no number. */
function number(text) {
  return /^[-+]?(\d+([.,]\d*)?|[.,]\d+)$/.test(text) ? Number(text.replace(",", ".")) : NaN;
}
