// The mask editor: an outline is corrected over its picture and sent with the review. ``open`` tells what came of it.

import { Hand } from "./editor-hand.js";
import { Mask } from "./editor-mask.js";
import { decode, encode } from "./editor-png.js";
import { View } from "./editor-view.js";
import { tell } from "./ended.js";
import { getMask, putMask } from "./server.js";
import { keep } from "./unsaved.js";
import { capital, label, say, score } from "./words.js";

const TOOLS = { b: "brush", e: "eraser", p: "polygon", f: "fill" };
const STEP = 1.25;

export class Editor {
  #dialog = document.getElementById("editor");
  #room = this.#dialog.querySelector(".editor-room");
  #view = new View(this.#room);
  #hand = new Hand(this.#room, this.#view, { drawn: () => this.#drawn(), open: () => this.#say(say("editor.open")), sized: () => this.#sized() });
  #mask = null;
  #theirs = null;
  #item = null;
  #saved = null;
  #steps = 0;

  constructor() {
    this.#dialog.addEventListener("click", ({ target, detail }) => this.#click(target.closest("button"), detail > 0));
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.#escape();
    });
    keep(() => this.#dialog.open && (this.#steps > 0 || this.#hand.drawingPolygon));
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
    this.#dialog.addEventListener("keyup", ({ key }) => key === " " && this.#pan(false));
    this.#size.addEventListener("input", () => {
      this.#hand.radius = 0.5 * 2 ** Number(this.#size.value);
      this.#sized();
    });
  }

  /** There is something to draw on, and nothing is on its way. */
  get #ready() {
    return !!this.#mask && !this.#dialog.hasAttribute("data-loading");
  }

  get #size() {
    return this.#dialog.querySelector("#editor-size");
  }

  /**
   * Correct the outline of an answer.
   *
   * ``item``: {id, name, preview, width, height, layers, version, part, corrected, blank}: ``version`` is that of the
   * review that was read, ``part`` what was analysed if not all, ``corrected`` whether it has a mask to go on from, ``blank`` begins without the network's outline.
   * Resolves with the review as it is stored, or null where nothing was saved.
   */
  async open(item) {
    this.#item = item;
    this.#steps = 0;
    this.#mask = this.#hand.mask = null;
    this.#view.hide();
    this.#dialog.querySelector("[data-slot=editor-name]").textContent = item.name;
    this.#dialog.toggleAttribute("data-blank", !!item.blank);
    this.#ask(false);
    this.#say("");
    this.#dialog.toggleAttribute("data-loading", true);
    this.#dialog.showModal();
    const left = new Promise((resolve) => this.#dialog.addEventListener("close", () => resolve(this.#saved), { once: true }));
    this.#saved = null;
    await this.#load(item).catch((refusal) => this.#complain(refusal));
    this.#dialog.toggleAttribute("data-loading", false);
    return left;
  }

  async #load({ id, preview, width, height, layers, part, corrected, blank }) {
    const [theirs, ours] = await Promise.all([blank ? null : getMask(id, "layers.png"), corrected ? getMask(id, "review/mask.png") : null]);
    this.#theirs = theirs ? (await decode(theirs)).pixels : new Uint8Array(width * height);
    const bits = ours ? (await decode(ours)).pixels : this.#theirs.slice();
    this.#mask = this.#hand.mask = new Mask(width, height, bits);
    this.#hand.radius = Math.max(Math.min(part?.width ?? width, part?.height ?? height) / 40, 1);
    this.#view.reference = blank ? null : this.#theirs;
    for (const name of ["reference", "hide"]) this.#press(name, true);
    this.#list(layers);
    this.#layer(0);
    this.#tool("brush");
    this.#view.show(this.#mask, preview, part);
    this.#sized();
    this.#state();
    this.#room.focus();
  }

  #list(layers) {
    const list = this.#dialog.querySelector(".editor-layers");
    list.hidden = layers.length < 2;
    list.replaceChildren(
      ...layers.map((name, number) => {
        const button = document.createElement("button");
        Object.assign(button, { type: "button", textContent: capital(label(name)), title: `${capital(label(name))} (${number + 1})` });
        button.dataset.layer = number;
        return button;
      }),
    );
  }

  #layer(number) {
    if (number >= this.#item.layers.length) return;
    this.#hand.dropPolygon();
    this.#mask.layer = number;
    for (const button of this.#dialog.querySelectorAll("[data-layer]")) button.setAttribute("aria-pressed", String(Number(button.dataset.layer) === number));
    this.#view.draw();
    this.#state();
  }

  #tool(name) {
    this.#hand.tool = name;
    this.#hand.dropPolygon();
    this.#room.dataset.tool = name;
    for (const button of this.#dialog.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", String(button.dataset.tool === name));
    this.#say(say(`editor.${name}`));
  }

  #pan(on) {
    this.#hand.panning = on;
    this.#room.toggleAttribute("data-panning", on);
  }

  #drawn() {
    this.#steps++;
    this.#say(say(`editor.${this.#hand.tool}`));
    this.#state();
  }

  #sized() {
    this.#size.value = Math.log2(this.#hand.radius / 0.5);
    this.#dialog.querySelector("[data-slot=editor-size]").textContent = say("editor.size", { count: Math.max(1, Math.round(2 * this.#hand.radius)) });
  }

  #undo(back) {
    if (this.#hand.drawingPolygon) return this.#hand.backOnePoint();
    const dirty = back ? this.#mask.undo() : this.#mask.redo();
    if (!dirty) return;
    this.#steps += back ? -1 : 1;
    this.#view.draw(dirty);
    this.#state();
  }

  #whole(bits) {
    this.#mask.begin();
    this.#mask.replace(bits);
    this.#view.draw(this.#mask.take());
    if (this.#mask.commit()) this.#drawn();
  }

  #state() {
    const button = (name) => this.#dialog.querySelector(`[data-do=${name}]`);
    button("undo").disabled = !this.#mask.canUndo;
    button("redo").disabled = !this.#mask.canRedo;
    button("save").disabled = !this.#steps && !this.#item.blank;
    const agreed = this.#item.blank ? "" : say("editor.dice", { value: score(this.#mask.dice(this.#theirs)) });
    this.#dialog.querySelector("[data-slot=editor-dice]").textContent = agreed;
  }

  #say(text, bad = false) {
    const line = this.#dialog.querySelector("[data-slot=editor-hint]");
    line.textContent = text;
    line.toggleAttribute("data-bad", bad);
  }

  #complain(refusal) {
    this.#say("", true);
    tell(this.#dialog.querySelector("[data-slot=editor-hint]"), refusal);
  }

  /** By keyboard a button keeps the focus; after a mouse or a finger the keys are the picture's again. */
  #click(button, pointed) {
    const { tool, layer, do: action } = button?.dataset ?? {};
    if (tool && this.#ready) this.#tool(tool);
    if (layer && this.#ready) this.#layer(Number(layer));
    if (action) this.#act(action);
    if (button && pointed && action !== "leave" && this.#dialog.open) this.#room.focus({ preventScroll: true });
  }

  #act(name) {
    if (!this.#ready && !name.startsWith("leave") && name !== "stay") return;
    const actions = {
      undo: () => this.#undo(true),
      redo: () => this.#undo(false),
      in: () => this.#view.zoom(1.4),
      out: () => this.#view.zoom(1 / 1.4),
      fit: () => this.#view.fit(),
      smaller: () => this.#hand.size(1 / STEP),
      larger: () => this.#hand.size(STEP),
      reset: () => this.#whole(this.#theirs),
      clear: () => this.#whole(new Uint8Array(this.#theirs.length)),
      reference: () => this.#reference(),
      hide: () => this.#hide(),
      save: () => this.#save(),
      leave: () => this.#escape(),
      "leave-anyway": () => this.#dialog.close(),
      stay: () => this.#ask(false),
    };
    actions[name]?.();
  }

  #reference() {
    this.#view.reference = this.#view.reference ? null : this.#theirs;
    this.#press("reference", !!this.#view.reference);
  }

  #hide() {
    this.#view.bare = !this.#view.bare;
    this.#press("hide", !this.#view.bare);
  }

  #press(name, on) {
    this.#dialog.querySelector(`[data-do=${name}]`).setAttribute("aria-pressed", String(on));
    this.#view.draw();
  }

  #key(event) {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const number = Number(key);
    if (!this.#ready) return;
    if (event.ctrlKey || event.metaKey) {
      if (key !== "z" && key !== "y") return;
      this.#undo(key === "z" && !event.shiftKey);
    } else if (event.altKey || (event.target.matches("input") && key.startsWith("Arrow"))) return;
    else if (key === " " && !event.target.matches("button")) this.#pan(true);
    else if (TOOLS[key]) this.#tool(TOOLS[key]);
    else if (number >= 1 && this.#item.layers.length > 1) this.#layer(number - 1);
    else if (key === "Enter" && event.target.matches("button")) return;
    else if (!this.#shortcut(key, event.shiftKey)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  #shortcut(key, shift) {
    const actions = {
      "[": "smaller",
      "]": "larger",
      ",": "smaller",
      ".": "larger",
      "+": "in",
      "=": "in",
      "-": "out",
      0: "fit",
      z: shift ? "redo" : "undo",
      y: "redo",
      n: "reference",
      o: "hide",
    };
    if (key === "Enter") this.#hand.drawingPolygon ? this.#hand.close(!shift) : this.#act("save");
    else if (key === "Backspace") this.#hand.backOnePoint();
    else if (actions[key]) this.#act(actions[key]);
    else return false;
    return true;
  }

  /** Going back in the browser is as Escape; tells whether there was something to go back from. */
  back() {
    const { open } = this.#dialog;
    if (open) this.#escape();
    return open;
  }

  #escape() {
    if (this.#hand.drawingPolygon) return this.#hand.dropPolygon();
    if (this.#steps > 0) return this.#ask(true);
    this.#dialog.close();
  }

  #ask(on) {
    const question = this.#dialog.querySelector(".editor-question");
    question.hidden = !on;
    if (on) question.querySelector("[data-do=stay]").focus();
  }

  async #save() {
    const { id, version } = this.#item;
    if (this.#dialog.querySelector("[data-do=save]").disabled) return;
    this.#hand.close();
    this.#dialog.toggleAttribute("data-loading", true);
    this.#say(say("review.saving"));
    try {
      const review = await putMask(id, await encode(this.#mask.bits, this.#mask.width, this.#mask.height), version);
      this.#item.version = review.version;
      if (review.mask.state === "refused") return this.#say(review.mask.problem, true);
      this.#saved = review;
      this.#dialog.close();
    } catch (refusal) {
      this.#complain(refusal);
    } finally {
      this.#dialog.toggleAttribute("data-loading", false);
    }
  }
}
