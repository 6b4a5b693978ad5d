// Points in space: turned, moved, found again under the pointer, or within a loop drawn around them.

import { Camera, clamp } from "./camera.js";
import { Sprites, TILES } from "./sprites.js";

export class Cloud extends EventTarget {
  #canvas;
  #loop;
  #sprites;
  #camera;
  #places = new Float32Array();
  #looks = new Float32Array(); // kind and shape of each
  #sent = new Float32Array(); // the same with its tile, as the card has them
  #tiles = new Map();
  #next = 0;
  pictures = false;
  #fingers = new Map();
  #ring = null;
  #moved = 0;
  #pending = false;
  #pointed = -1;
  #projected = null;
  lasso = false;

  /** Raises where the browser has no WebGL 2. ``loop`` is an SVG path over the canvas. */
  constructor(canvas, loop) {
    super();
    this.#canvas = canvas;
    this.#loop = loop;
    this.#camera = new Camera(canvas);
    this.#sprites = new Sprites(canvas);
    new ResizeObserver(() => this.#soon()).observe(canvas);
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const type of ["pointerup", "pointercancel"]) canvas.addEventListener(type, (event) => this.#up(event));
    canvas.addEventListener("pointerleave", () => this.#point(-1));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => this.#restore());
  }

  /** ``places``: [x, y, z] or [x, y] of each point, most within 1 of the middle. */
  place(places, flat) {
    if (flat !== this.#camera.flat) this.fit();
    this.#camera.flat = flat;
    this.#places = Float32Array.from(places.flatMap(([x, y, z = 0]) => [x, y, z]));
    if (this.#looks.length !== places.length * 2) this.#looks = new Float32Array(places.length * 2).fill(1);
    this.#fill("place", this.#places);
  }

  /** ``colours``: [r, g, b], 0 to 1, of each; ``shapes``: 0 to 4; ``kinds``: 0 hidden, 1 plain, 2 chosen. */
  paint(colours, shapes, kinds) {
    this.#looks = Float32Array.from(kinds.flatMap((kind, at) => [kind, shapes[at]]));
    this.#fill("colour", Float32Array.from(colours.flat()));
    this.refresh();
  }

  /** A small picture to be drawn in place of a point while ``pictures`` is on; the first ``TILES`` are kept. */
  show(index, bitmap) {
    if (this.#next >= TILES || this.#tiles.has(index)) return;
    this.#sprites.keep(this.#next, bitmap);
    this.#tiles.set(index, this.#next++);
    this.#light(index);
  }

  /** Forget the pictures: other points have come. */
  forget() {
    this.#tiles.clear();
    this.#next = 0;
  }

  /** Draw anew what is chosen, pointed at, or a picture. */
  refresh() {
    this.#sent = new Float32Array((3 * this.#looks.length) / 2);
    for (let at = 0; at < this.#sent.length / 3; at += 1) this.#look(at);
    this.#fill("look", this.#sent);
  }

  fit() {
    this.#camera.fit();
    this.#soon();
  }

  #restore() {
    this.#sprites.build();
    this.forget();
    this.#fill("place", this.#places);
    this.dispatchEvent(new Event("restored"));
  }

  #fill(name, values) {
    this.#sprites.fill(name, values);
    this.#soon(name === "place");
  }

  #look(at) {
    const [kind, shape] = [this.#looks[2 * at], this.#looks[2 * at + 1]];
    this.#sent[3 * at] = at === this.#pointed && kind ? 3 : kind;
    this.#sent[3 * at + 1] = shape;
    this.#sent[3 * at + 2] = this.pictures ? (this.#tiles.get(at) ?? -1) : -1;
  }

  /** Draw one point anew: the others stay on the card as they are. */
  #light(at) {
    if (at < 0 || 3 * at >= this.#sent.length) return;
    this.#look(at);
    this.#sprites.change("look", at, this.#sent.subarray(3 * at, 3 * at + 3));
    this.#soon(false);
  }

  /** One drawing for all that changes before the next picture of the screen. */
  #soon(moved = true) {
    if (moved) this.#projected = null;
    if (this.#pending) return;
    this.#pending = true;
    requestAnimationFrame(() => {
      this.#pending = false;
      this.#draw();
    });
  }

  #draw() {
    const count = this.#places.length / 3;
    const { flat, zoom } = this.#camera;
    const grown = flat ? zoom ** 0.35 : 1;
    const size = clamp(26 - 5 * Math.log10(count + 1), 7, 20) * grown;
    const large = clamp(150 / Math.log2(count + 2), 22, 40) * grown;
    this.#sprites.draw(count, this.#camera.matrix(), { size, large, fog: flat ? 0 : 1 });
  }

  /** Screen places (x, y, depth) of all points, within the canvas. */
  #screen() {
    return (this.#projected ??= this.#camera.project(this.#places));
  }

  /** Where a point is on the screen, within the canvas. */
  locate(index) {
    const [x, y] = this.#screen().subarray(3 * index);
    return { x, y };
  }

  #nearest({ x, y }, reach) {
    const places = this.#screen();
    let [best, least] = [-1, Infinity];
    for (let at = 0; at < this.#looks.length / 2; at += 1) {
      if (!this.#looks[2 * at]) continue;
      const apart = Math.hypot(places[3 * at] - x, places[3 * at + 1] - y);
      const cost = apart + (this.#camera.flat ? 0 : 12 * places[3 * at + 2]);
      if (apart < reach && cost < least) [best, least] = [at, cost];
    }
    return best;
  }

  #point(index) {
    if (index === this.#pointed) return;
    const before = this.#pointed;
    this.#pointed = index;
    this.#canvas.style.cursor = this.lasso ? "crosshair" : index >= 0 ? "pointer" : "grab";
    for (const at of [before, index]) this.#light(at);
    this.dispatchEvent(new CustomEvent("hover", { detail: { index, ...(index >= 0 ? this.locate(index) : {}) } }));
  }

  #within({ clientX, clientY }) {
    const box = this.#canvas.getBoundingClientRect();
    return { x: clientX - box.left, y: clientY - box.top };
  }

  #down(event) {
    this.#canvas.setPointerCapture(event.pointerId);
    this.#fingers.set(event.pointerId, this.#within(event));
    this.#moved = 0;
    if (this.lasso && this.#fingers.size === 1) this.#ring = [this.#within(event)];
  }

  #move(event) {
    const now = this.#within(event);
    const before = this.#fingers.get(event.pointerId);
    if (!before) return this.#point(this.#nearest(now, this.pictures ? 18 : 12));
    const by = { x: now.x - before.x, y: now.y - before.y };
    const other = [...this.#fingers].find(([id]) => id !== event.pointerId)?.[1];
    this.#fingers.set(event.pointerId, now);
    this.#moved += Math.hypot(by.x, by.y);
    if (this.#ring && !other) {
      this.#ring.push(now);
      return this.#drawRing();
    }
    if (this.#moved > 4) this.#point(-1);
    if (other) {
      this.#camera.pan(by, 0.5);
      const apart = (a, b) => Math.hypot(a.x - b.x, a.y - b.y) || 1;
      this.#camera.approach(apart(now, other) / apart(before, other));
    } else if (this.#camera.flat || event.shiftKey || event.buttons === 2) this.#camera.pan(by, 1);
    else this.#camera.turn(by.x * 0.008, by.y * 0.008);
    this.#soon();
  }

  #up(event) {
    const alone = this.#fingers.size === 1;
    this.#fingers.delete(event.pointerId);
    const ring = this.#ring;
    this.#ring = null;
    this.#drawRing();
    if (event.type === "pointercancel" || !alone) return;
    if (ring && this.#moved > 12) return this.#catch(ring);
    if (this.#moved > 6) return;
    const index = this.#nearest(this.#within(event), event.pointerType === "mouse" && !this.pictures ? 12 : 24);
    if (index >= 0) this.dispatchEvent(new CustomEvent("pick", { detail: { indices: [index] } }));
  }

  #drawRing() {
    this.#loop.setAttribute("d", this.#ring ? `M${this.#ring.map(({ x, y }) => `${x} ${y}`).join("L")}Z` : "");
  }

  #catch(ring) {
    const places = this.#screen();
    const indices = [];
    for (let at = 0; at < this.#looks.length / 2; at += 1)
      if (this.#looks[2 * at] && inside(ring, places[3 * at], places[3 * at + 1])) indices.push(at);
    this.dispatchEvent(new CustomEvent("pick", { detail: { indices } }));
  }

  #wheel(event) {
    event.preventDefault();
    this.#camera.approach(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)));
    this.#soon();
  }

  #key(event) {
    const step = 0.12;
    const turn = (yaw, pitch) => (this.#camera.flat ? this.#camera.pan({ x: -yaw * 400, y: -pitch * 400 }, 1) : this.#camera.turn(yaw, pitch));
    const actions = {
      ArrowLeft: () => turn(-step, 0),
      ArrowRight: () => turn(step, 0),
      ArrowUp: () => turn(0, -step),
      ArrowDown: () => turn(0, step),
      "+": () => this.#camera.approach(1.25),
      "=": () => this.#camera.approach(1.25),
      "-": () => this.#camera.approach(0.8),
      0: () => this.#camera.fit(),
    };
    const action = actions[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    action();
    this.#soon();
  }
}

/** Whether a point lies within a closed line (even-odd rule). */
function inside(ring, x, y) {
  let within = false;
  for (let at = 0, before = ring.length - 1; at < ring.length; before = at, at += 1) {
    const [a, b] = [ring[at], ring[before]];
    if (a.y > y !== b.y > y && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x) within = !within;
  }
  return within;
}
