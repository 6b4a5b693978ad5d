// What is seen of a mask: sampled at the screen's own pixels, so that an edge is one line at any zoom.

const FARTHEST = 40;
const MAGENTA = [0xff, 0x4f, 0xd8];
const OTHERS = [
  [0x00, 0xe5, 0xff],
  [0xff, 0xd6, 0x0a],
];
const HAIRLINE = [0x00, 0x13, 0x18];

const ink = ([red, green, blue], alpha) => ((Math.round(alpha * 255) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
const FILL = ink(MAGENTA, 0.24);
const EDGE = ink(MAGENTA, 1);
const AROUND = ink(HAIRLINE, 0.75);
const REFERENCE = ink(OTHERS[0], 0.9);

export class View extends EventTarget {
  #room;
  #picture;
  #canvas;
  #context;
  #mask = null;
  #wanted = null;

  /** ``scale``: screen pixels of the style sheet for one of the picture; ``x``, ``y``: where its corner lies. */
  scale = 1;
  x = 0;
  y = 0;
  /** Bits to show beside the mask, as a thin line; null for none. */
  reference = null;
  bare = false;

  constructor(room) {
    super();
    this.#room = room;
    this.#picture = room.querySelector("img");
    this.#canvas = room.querySelector("canvas");
    this.#context = this.#canvas.getContext("2d");
    new ResizeObserver(() => this.#resize()).observe(room);
  }

  /** ``part``: where to look first; all of the picture without it. */
  show(mask, source, part) {
    this.#mask = mask;
    this.#picture.src = source;
    this.#resize();
    if (part) this.#look(part);
    else this.fit();
  }

  hide() {
    this.#mask = this.reference = null;
    this.bare = false;
    this.#picture.removeAttribute("src");
    this.#context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  fit() {
    this.#look({ x: 0, y: 0, width: this.#mask.width, height: this.#mask.height });
  }

  #look(part) {
    const { width, height } = this.#box();
    const margin = Math.min(24, width / 20);
    this.scale = Math.max(Math.min((width - 2 * margin) / part.width, (height - 2 * margin) / part.height), 0.01);
    this.x = width / 2 - (part.x + part.width / 2) * this.scale;
    this.y = height / 2 - (part.y + part.height / 2) * this.scale;
    this.#moved();
  }

  /** Zoom so that a point of the room stays where it is. */
  zoom(factor, at = { x: this.#box().width / 2, y: this.#box().height / 2 }) {
    const { width, height } = this.#box();
    const scale = Math.min(Math.max(this.scale * factor, this.#fitting(width, height) / 2), FARTHEST);
    const real = scale / this.scale;
    this.x = at.x - (at.x - this.x) * real;
    this.y = at.y - (at.y - this.y) * real;
    this.scale = scale;
    this.#moved();
  }

  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.#moved();
  }

  /** A pointer's place in the room, and in the picture's pixels. */
  within({ clientX, clientY }) {
    const { left, top } = this.#box();
    return { x: clientX - left, y: clientY - top };
  }

  at(event) {
    const { x, y } = this.within(event);
    return { x: (x - this.x) / this.scale, y: (y - this.y) / this.scale };
  }

  /** Draw a part of the picture anew, or all that is in sight. */
  draw(dirty = null) {
    if (!this.#mask) return;
    const whole = { left: 0, top: 0, right: this.#canvas.width, bottom: this.#canvas.height };
    const part = dirty ? this.#onScreen(dirty, whole) : whole;
    const was = this.#wanted;
    if (!was) requestAnimationFrame(() => this.#paint());
    this.#wanted = was
      ? {
          left: Math.min(was.left, part.left),
          top: Math.min(was.top, part.top),
          right: Math.max(was.right, part.right),
          bottom: Math.max(was.bottom, part.bottom),
        }
      : part;
  }

  #box() {
    return this.#room.getBoundingClientRect();
  }

  #fitting(width, height) {
    return Math.max(Math.min(width / this.#mask.width, height / this.#mask.height), 0.01);
  }

  get #dense() {
    return this.#canvas.width / (this.#box().width || 1);
  }

  #resize() {
    const { width, height } = this.#box();
    const dense = Math.min(devicePixelRatio || 1, 2);
    Object.assign(this.#canvas, { width: Math.round(width * dense), height: Math.round(height * dense) });
    if (this.#mask) this.#moved();
  }

  #moved() {
    const { width, height } = this.#mask;
    this.#picture.style.transform = `translate(${this.x}px, ${this.y}px)`;
    this.#picture.style.width = `${width * this.scale}px`;
    this.#picture.style.height = `${height * this.scale}px`;
    this.#picture.classList.toggle("pixels", this.scale > 6);
    this.draw();
    this.dispatchEvent(new Event("moved"));
  }

  #onScreen({ left, top, right, bottom }, whole) {
    const [dense, around] = [this.#dense, 6];
    const place = (value, start) => (start + value * this.scale) * dense;
    return {
      left: Math.max(Math.floor(place(left, this.x)) - around, whole.left),
      top: Math.max(Math.floor(place(top, this.y)) - around, whole.top),
      right: Math.min(Math.ceil(place(right, this.x)) + around, whole.right),
      bottom: Math.min(Math.ceil(place(bottom, this.y)) + around, whole.bottom),
    };
  }

  #paint() {
    const { left, top, right, bottom } = this.#wanted;
    this.#wanted = null;
    const [width, height] = [right - left, bottom - top];
    if (width <= 0 || height <= 0 || !this.#mask) return;
    const image = new ImageData(width, height);
    if (!this.bare) {
      const colours = new Uint32Array(image.data.buffer);
      const line = Math.max(2, Math.round(2 * this.#dense));
      const own = this.#sample(this.#mask.bits, left, top, width, height, line);
      this.#paintOthers(own, colours, width, height, line);
      if (this.reference) {
        const theirs = this.#sample(this.reference, left, top, width, height, line);
        this.#paintReference(theirs, colours, width, height, line, left + top);
      }
      this.#paintOwn(own, colours, width, height, line);
    }
    this.#context.putImageData(image, left, top);
  }

  /** The pixel under each of the screen's, with ``line`` more around; 0 outside the picture. */
  #sample(bits, left, top, width, height, line) {
    const step = 1 / (this.scale * this.#dense);
    const [startX, startY] = [-this.x / this.scale, -this.y / this.scale];
    const across = width + 2 * line;
    const out = new Uint8Array(across * (height + 2 * line));
    const columns = Int32Array.from({ length: across }, (_, i) => Math.floor(startX + (left - line + i + 0.5) * step));
    for (let j = 0; j < height + 2 * line; j++) {
      const y = Math.floor(startY + (top - line + j + 0.5) * step);
      if (y < 0 || y >= this.#mask.height) continue;
      for (let i = 0; i < across; i++) {
        const x = columns[i];
        if (x >= 0 && x < this.#mask.width) out[j * across + i] = bits[y * this.#mask.width + x];
      }
    }
    return out;
  }

  #paintOwn(own, colours, width, height, line) {
    const bit = 1 << this.#mask.layer;
    const across = width + 2 * line;
    const hair = line >> 1;
    for (let j = 0; j < height; j++)
      for (let i = 0; i < width; i++) {
        const at = (j + line) * across + i + line;
        const [a, b, c, d] = [own[at - line] & bit, own[at + line] & bit, own[at - line * across] & bit, own[at + line * across] & bit];
        if (own[at] & bit) colours[j * width + i] = a && b && c && d ? colours[j * width + i] || FILL : EDGE;
        else if (own[at - hair] & bit || own[at + hair] & bit || own[at - hair * across] & bit || own[at + hair * across] & bit) colours[j * width + i] = AROUND;
      }
  }

  #paintOthers(own, colours, width, height, line) {
    const others = 0xff & ~(1 << this.#mask.layer);
    const thin = line >> 1;
    const across = width + 2 * line;
    for (let j = 0; j < height; j++)
      for (let i = 0; i < width; i++) {
        const at = (j + line) * across + i + line;
        const edge = (own[at] ^ own[at + thin]) | (own[at] ^ own[at + thin * across]);
        if (edge & others) colours[j * width + i] = ink(OTHERS[(31 - Math.clz32(edge & others)) % 2], 0.85);
      }
  }

  #paintReference(theirs, colours, width, height, line, phase) {
    const bit = 1 << this.#mask.layer;
    const thin = line >> 1;
    const across = width + 2 * line;
    for (let j = 0; j < height; j++)
      for (let i = 0; i < width; i++) {
        const at = (j + line) * across + i + line;
        const edge = (theirs[at] ^ theirs[at + thin]) | (theirs[at] ^ theirs[at + thin * across]);
        if (edge & bit && ((i + j + phase) >> 2) & 1) colours[j * width + i] = REFERENCE;
      }
  }
}
