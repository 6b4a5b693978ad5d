// Points in space: turned, moved, found again under the pointer, or within a loop drawn around them.

import { Sprites, TILES } from "./sprites.js";

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

export class Cloud extends EventTarget {
  #canvas;
  #loop;
  #sprites;
  #places = new Float32Array();
  #looks = new Float32Array();
  #tiles = new Map();
  #next = 0;
  pictures = false;
  #view = { yaw: 0.6, pitch: 0.35, far: 2.9, x: 0, y: 0, zoom: 1 };
  #flat = false;
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
    if (flat !== this.#flat) this.fit();
    this.#flat = flat;
    this.#places = Float32Array.from(places.flatMap(([x, y, z = 0]) => [x, y, z]));
    if (this.#looks.length !== places.length * 2) this.#looks = new Float32Array(places.length * 2).fill(1);
    this.#fill("place", this.#places);
  }

  /** ``colours``: [r, g, b], 0 to 1, of each; ``shapes``: 0 to 4; ``kinds``: 0 hidden, 1 plain, 2 chosen. */
  paint(colours, shapes, kinds) {
    this.#looks = Float32Array.from(kinds.flatMap((kind, at) => [kind, shapes[at]]));
    this.#fill("colour", Float32Array.from(colours.flat()));
    this.#light(this.#pointed);
  }

  /** A small picture to be drawn in place of a point while ``pictures`` is on; the first ``TILES`` are kept. */
  show(index, bitmap) {
    if (this.#next >= TILES || this.#tiles.has(index)) return;
    this.#sprites.keep(this.#next, bitmap);
    this.#tiles.set(index, this.#next++);
    this.refresh();
  }

  /** Forget the pictures: other points have come. */
  forget() {
    this.#tiles.clear();
    this.#next = 0;
  }

  /** Draw anew what is chosen, pointed at, or a picture. */
  refresh() {
    this.#light(this.#pointed);
  }

  fit() {
    this.#view = { yaw: 0.6, pitch: 0.35, far: 2.9, x: 0, y: 0, zoom: 1 };
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

  #light(index) {
    const looks = new Float32Array((3 * this.#looks.length) / 2);
    for (let at = 0; at < looks.length / 3; at += 1) {
      const tile = this.pictures ? (this.#tiles.get(at) ?? -1) : -1;
      looks.set([at === index && this.#looks[2 * at] ? 3 : this.#looks[2 * at], this.#looks[2 * at + 1], tile], 3 * at);
    }
    this.#fill("look", looks);
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
    const { zoom } = this.#view;
    const size = clamp(26 - 5 * Math.log10(count + 1), 7, 20) * (this.#flat ? zoom ** 0.35 : 1);
    const large = clamp(150 / Math.log2(count + 2), 22, 40) * (this.#flat ? zoom ** 0.35 : 1);
    this.#sprites.draw(count, this.#camera(), { size, large, fog: this.#flat ? 0 : 1 });
  }

  /** Column by column, as WebGL takes it. */
  #camera() {
    const { yaw, pitch, far, x, y, zoom } = this.#view;
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const [sx, sy] = width > height ? [height / width, 1] : [1, width / height];
    if (this.#flat) return new Float32Array([0.9 * sx * zoom, 0, 0, 0, 0, 0.9 * sy * zoom, 0, 0, 0, 0, 0, 0, 0.9 * sx * zoom * x, 0.9 * sy * zoom * y, 0, 1]);
    const [c, s, d, e] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
    const rows = [[c, 0, s, 0], [e * s, d, -e * c, 0], [-d * s, e, d * c, 0]];
    const lens = 2.6;
    const [near, end] = [0.05, 20];
    const [a, b] = [(end + near) / (end - near), (-2 * end * near) / (end - near)];
    const matrix = new Float32Array(16);
    for (let column = 0; column < 4; column += 1) {
      const depth = column === 3 ? far : -rows[2][column];
      matrix[4 * column] = lens * sx * (column === 3 ? x : rows[0][column]);
      matrix[4 * column + 1] = lens * sy * (column === 3 ? y : rows[1][column]);
      matrix[4 * column + 2] = a * depth + (column === 3 ? b : 0);
      matrix[4 * column + 3] = depth;
    }
    return matrix;
  }

  /** Screen places (x, y, depth) of all points, within the canvas. */
  #screen() {
    if (this.#projected) return this.#projected;
    const m = this.#camera();
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const found = new Float32Array(this.#places.length);
    for (let at = 0; at < found.length; at += 3) {
      const [x, y, z] = [this.#places[at], this.#places[at + 1], this.#places[at + 2]];
      const w = m[3] * x + m[7] * y + m[11] * z + m[15];
      found[at] = (((m[0] * x + m[4] * y + m[8] * z + m[12]) / w + 1) * width) / 2;
      found[at + 1] = ((1 - (m[1] * x + m[5] * y + m[9] * z + m[13]) / w) * height) / 2;
      found[at + 2] = w > 0 ? w : Infinity;
    }
    return (this.#projected = found);
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
      const cost = apart + (this.#flat ? 0 : 12 * places[3 * at + 2]);
      if (apart < reach && cost < least) [best, least] = [at, cost];
    }
    return best;
  }

  #point(index) {
    if (index === this.#pointed) return;
    this.#pointed = index;
    this.#canvas.style.cursor = this.lasso ? "crosshair" : index >= 0 ? "pointer" : "grab";
    this.#light(index);
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
      this.#pan(by, 0.5);
      const apart = (a, b) => Math.hypot(a.x - b.x, a.y - b.y) || 1;
      this.#zoom(apart(now, other) / apart(before, other));
    } else if (this.#flat || event.shiftKey || event.buttons === 2) this.#pan(by, 1);
    else {
      this.#view.yaw += by.x * 0.008;
      this.#view.pitch = clamp(this.#view.pitch + by.y * 0.008, -1.5, 1.5);
      this.#soon();
    }
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

  #pan(by, share) {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const scale = (share * 2) / Math.min(width, height) / (this.#flat ? 0.9 * this.#view.zoom : 2.6 / this.#view.far);
    this.#view.x += by.x * scale;
    this.#view.y -= by.y * scale;
    this.#soon();
  }

  #zoom(factor) {
    if (this.#flat) this.#view.zoom = clamp(this.#view.zoom * factor, 0.4, 60);
    else this.#view.far = clamp(this.#view.far / factor, 0.4, 9);
    this.#soon();
  }

  #wheel(event) {
    event.preventDefault();
    this.#zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)));
  }

  #key(event) {
    const step = 0.12;
    const turn = (yaw, pitch) => {
      if (this.#flat) return this.#pan({ x: -yaw * 400, y: -pitch * 400 }, 1);
      this.#view.yaw += yaw;
      this.#view.pitch = clamp(this.#view.pitch + pitch, -1.5, 1.5);
      this.#soon();
    };
    const actions = {
      ArrowLeft: () => turn(-step, 0),
      ArrowRight: () => turn(step, 0),
      ArrowUp: () => turn(0, -step),
      ArrowDown: () => turn(0, step),
      "+": () => this.#zoom(1.25),
      "=": () => this.#zoom(1.25),
      "-": () => this.#zoom(0.8),
      0: () => this.fit(),
    };
    const action = actions[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    action();
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
