// Marking the part that matters: a frame over the photograph, kept in the photograph's own pixels whatever the screen.

import { Refusal } from "./server.js";
import { say } from "./words.js";

const LARGEST = 8; // screen pixels for one of the photograph
const SMALLEST = 16; // pixels of the photograph
const AROUND = 24; // screen pixels left free around the photograph

const clamp = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));

export class Cropper {
  #dialog = document.getElementById("crop-dialog");
  #room = this.#dialog.querySelector(".crop-room");
  #photo = this.#dialog.querySelector(".crop-photo");
  #frame = this.#dialog.querySelector(".crop-frame");
  #square = this.#dialog.dataset.shape === "square";
  #size = { width: 1, height: 1 };
  #mark = { x: 0, y: 0, width: 1, height: 1 };
  #view = { scale: 1, x: 0, y: 0 };
  #fingers = new Map();
  #grip = null;
  #finder = document.getElementById("crop-find");
  #find = null;
  #eager = false;
  #moved = false;

  constructor() {
    this.#finder?.addEventListener("click", () => this.#seek());
    new ResizeObserver(() => this.#dialog.open && this.fit()).observe(this.#room);
    this.#room.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.#room.addEventListener("pointerdown", (event) => this.#down(event));
    this.#room.addEventListener("pointermove", (event) => this.#move(event));
    for (const type of ["pointerup", "pointercancel"]) this.#room.addEventListener(type, (event) => this.#up(event));
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
    for (const button of this.#dialog.querySelectorAll("[data-crop]"))
      button.addEventListener("click", () => this.#dialog.close(button.dataset.crop));
    for (const button of this.#dialog.querySelectorAll("[data-crop-zoom]"))
      button.addEventListener("click", () => this.#zoomButton(button.dataset.cropZoom));
  }

  /** Ask for the part of one photograph; ``size`` where the picture shown is a smaller one, ``find`` proposes a part.
   *  Answers {region} in its pixels (null where this browser cannot show it), or null if it was called off. */
  async ask(picture, { name, number = 1, count = 1, region = null, size = null, find = null } = {}) {
    const image = new Image();
    image.src = picture;
    try {
      await image.decode();
    } catch {
      return { region: null }; // a kind of file that this browser cannot show goes in whole
    }
    this.#size = size ?? { width: image.naturalWidth, height: image.naturalHeight };
    this.#photo.src = picture;
    this.#head(name, number, count);
    this.#mark = region ?? this.#proposal();
    this.#find = find;
    this.#moved = false;
    this.#say("");
    if (this.#finder) this.#finder.disabled = !find;
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
    this.fit();
    this.#frame.focus({ preventScroll: true });
    if (this.#eager && find && !region) this.#seek();
    return new Promise((resolve) => {
      this.#dialog.addEventListener("close", () => resolve(this.#answer()), { once: true });
    });
  }

  /** The whole photograph in sight. */
  fit() {
    const room = this.#room.getBoundingClientRect();
    const scale = Math.min((room.width - 2 * AROUND) / this.#size.width, (room.height - 2 * AROUND) / this.#size.height);
    this.#view = { scale, x: (room.width - this.#size.width * scale) / 2, y: (room.height - this.#size.height * scale) / 2 };
    this.#draw();
  }

  #head(name, number, count) {
    this.#dialog.querySelector("[data-slot=crop-name]").textContent = name;
    const place = this.#dialog.querySelector("[data-slot=crop-count]");
    Object.assign(place, { textContent: say("crop.count", { number, count }), hidden: count === 1 });
    document.getElementById("crop-skip").hidden = count === 1;
  }

  #say(text, bad = false) {
    const line = this.#dialog.querySelector("[data-slot=crop-said]");
    Object.assign(line, { textContent: text, hidden: !text });
    line.toggleAttribute("data-bad", bad);
  }

  /** Have the part proposed. What is moved by hand meanwhile stays; whoever asks once is helped with the next ones, too. */
  async #seek() {
    const find = this.#find;
    if (!find || this.#finder.disabled) return;
    this.#eager = true;
    this.#moved = false;
    this.#finder.disabled = true;
    this.#say(say("crop.looking"));
    let proposal;
    try {
      proposal = await find();
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      proposal = { region: null, sure: false, detail: refusal.message };
    }
    if (this.#find !== find) return;
    this.#finder.disabled = false;
    if (this.#moved) return this.#say("");
    this.#say(proposal.detail, !proposal.sure);
    if (!proposal.region) return;
    this.#mark = proposal.region;
    this.#draw();
  }

  #answer() {
    const choice = this.#dialog.returnValue;
    this.#find = null;
    this.#photo.removeAttribute("src");
    if (choice === "part") return { region: this.#mark };
    return choice === "whole" ? { region: this.#square ? { x: 0, y: 0, ...this.#size } : null } : null;
  }

  /** A small picture is taken for a crop already; in a photograph the frame starts in the middle. One of any shape starts
   *  a little within the edges. */
  #proposal() {
    const { width, height } = this.#size;
    if (!this.#square) return { x: Math.round(width / 10), y: Math.round(height / 10), width: Math.round(width * 0.8), height: Math.round(height * 0.8) };
    const short = Math.min(width, height);
    const side = Math.round(short * (short < 520 ? 1 : 0.4));
    return { x: Math.round((width - side) / 2), y: Math.round((height - side) / 2), width: side, height: side };
  }

  #draw() {
    const { scale, x, y } = this.#view;
    const place = (element, box) => {
      element.style.transform = `translate(${x + box.x * scale}px, ${y + box.y * scale}px)`;
      element.style.width = `${box.width * scale}px`;
      element.style.height = `${box.height * scale}px`;
    };
    place(this.#photo, { x: 0, y: 0, ...this.#size });
    place(this.#frame, this.#mark);
    this.#frame.setAttribute("aria-label", say("crop.frame", this.#mark));
    this.#dialog.querySelector("[data-slot=crop-size]").textContent = say("pixels", this.#mark);
  }

  #zoom(factor, at) {
    const scale = clamp(this.#view.scale * factor, 0.02, LARGEST);
    const real = scale / this.#view.scale;
    this.#view = { scale, x: at.x - (at.x - this.#view.x) * real, y: at.y - (at.y - this.#view.y) * real };
    this.#draw();
  }

  #zoomButton(which) {
    const room = this.#room.getBoundingClientRect();
    if (which === "fit") this.fit();
    else this.#zoom(which === "in" ? 1.4 : 1 / 1.4, { x: room.width / 2, y: room.height / 2 });
  }

  #within({ clientX, clientY }) {
    const room = this.#room.getBoundingClientRect();
    return { x: clientX - room.left, y: clientY - room.top };
  }

  #wheel(event) {
    event.preventDefault();
    this.#zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0018)), this.#within(event));
  }

  #down(event) {
    if (event.target.closest("button")) return;
    this.#room.setPointerCapture(event.pointerId);
    this.#fingers.set(event.pointerId, this.#within(event));
    const corner = event.target.closest("[data-corner]")?.dataset.corner;
    const what = corner ?? (event.target.closest(".crop-frame") ? "move" : "pan");
    this.#grip = { what, from: this.#within(event), mark: { ...this.#mark }, view: { ...this.#view } };
  }

  #up(event) {
    this.#fingers.delete(event.pointerId);
    this.#grip = null;
  }

  #move(event) {
    const before = this.#fingers.get(event.pointerId);
    if (!before) return;
    const now = this.#within(event);
    const other = [...this.#fingers].find(([id]) => id !== event.pointerId)?.[1];
    this.#fingers.set(event.pointerId, now);
    if (other) return this.#pinch(before, now, other);
    if (!this.#grip) return;
    const { what, from, mark, view } = this.#grip;
    const by = { x: now.x - from.x, y: now.y - from.y };
    if (what === "pan") this.#view = { ...view, x: view.x + by.x, y: view.y + by.y };
    else this.#moved = true;
    if (what === "move") this.#place({ ...mark, x: mark.x + by.x / view.scale, y: mark.y + by.y / view.scale });
    else if (what !== "pan") this.#stretch(mark, what, by.x / view.scale, by.y / view.scale);
    this.#draw();
  }

  #pinch(before, now, other) {
    const apart = (a, b) => Math.hypot(a.x - b.x, a.y - b.y) || 1;
    this.#view.x += (now.x - before.x) / 2;
    this.#view.y += (now.y - before.y) / 2;
    this.#zoom(apart(now, other) / apart(before, other), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
  }

  /** Keep the frame's size and bring it inside the photograph. */
  #place(mark) {
    const width = Math.min(mark.width, this.#size.width);
    const height = Math.min(mark.height, this.#size.height);
    const x = Math.round(clamp(mark.x, 0, this.#size.width - width));
    const y = Math.round(clamp(mark.y, 0, this.#size.height - height));
    this.#mark = { x, y, width, height };
  }

  /** Pull one corner (nw, ne, sw, se); the opposite one stays. */
  #stretch(mark, corner, dx, dy) {
    const left = corner.includes("w");
    const top = corner.includes("n");
    const room = {
      width: left ? mark.x + mark.width : this.#size.width - mark.x,
      height: top ? mark.y + mark.height : this.#size.height - mark.y,
    };
    let width = mark.width + (left ? -dx : dx);
    let height = mark.height + (top ? -dy : dy);
    if (this.#square) width = height = clamp((width + height) / 2, SMALLEST, Math.min(room.width, room.height));
    width = Math.round(clamp(width, SMALLEST, room.width));
    height = Math.round(clamp(height, SMALLEST, room.height));
    this.#mark = { x: left ? mark.x + mark.width - width : mark.x, y: top ? mark.y + mark.height - height : mark.y, width, height };
  }

  /** Grow or shrink around the middle. */
  #grow(by) {
    const limit = Math.min(this.#size.width - this.#mark.width, this.#size.height - this.#mark.height);
    const step = 2 * Math.round(clamp(by, SMALLEST - Math.min(this.#mark.width, this.#mark.height), limit) / 2);
    const { x, y, width, height } = this.#mark;
    this.#place({ x: x - step / 2, y: y - step / 2, width: width + step, height: height + step });
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("button")) return;
    const step = event.shiftKey ? 10 : 1;
    const { x, y, width } = this.#mark;
    const larger = Math.max(2, width / 40);
    const actions = {
      ArrowLeft: () => this.#place({ ...this.#mark, x: x - step }),
      ArrowRight: () => this.#place({ ...this.#mark, x: x + step }),
      ArrowUp: () => this.#place({ ...this.#mark, y: y - step }),
      ArrowDown: () => this.#place({ ...this.#mark, y: y + step }),
      "+": () => this.#grow(larger),
      "=": () => this.#grow(larger),
      "-": () => this.#grow(-larger),
      0: () => this.fit(),
      Enter: () => this.#dialog.close("part"),
    };
    const action = event.key.toLowerCase() === "f" ? () => this.#seek() : actions[event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    this.#moved ||= /^Arrow|^[-+=]$/.test(event.key);
    action();
    this.#draw();
  }
}
