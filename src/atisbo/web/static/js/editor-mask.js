// A mask of several layers, a bit of each pixel for each, in the upright original's pixels; and how it came to be so.

const TILE = 64;
const REMEMBERED = 200;
const SIDES_OF_OUTSIDE = 3;

export class Mask {
  #past = [];
  #future = [];
  #before = null;
  #dirty = null;

  constructor(width, height, bits) {
    Object.assign(this, { width, height, bits, layer: 0 });
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  has(x, y) {
    return this.#inside(x, y) && (this.bits[y * this.width + x] >> this.layer) & 1;
  }

  /** Every change stands between ``begin`` and ``commit``, which make one step of it; ``cancel`` takes it all back. */
  begin() {
    this.#before = new Map();
    this.#dirty = null;
  }

  commit() {
    const step = [];
    for (const [tile, before] of this.#before) {
      const after = this.#copy(tile);
      if (before.some((value, at) => value !== after[at])) step.push({ tile, before, after });
    }
    this.#before = null;
    if (!step.length) return false;
    this.#past.push(step);
    if (this.#past.length > REMEMBERED) this.#past.shift();
    this.#future = [];
    return true;
  }

  cancel() {
    for (const [tile, before] of this.#before) this.#paste(tile, before);
    this.#before = null;
    return this.take();
  }

  undo() {
    const step = this.#past.pop();
    if (!step) return null;
    this.#future.push(step);
    for (const { tile, before } of step) this.#paste(tile, before);
    return this.take();
  }

  redo() {
    const step = this.#future.pop();
    if (!step) return null;
    this.#past.push(step);
    for (const { tile, after } of step) this.#paste(tile, after);
    return this.take();
  }

  /** What has changed since this was last asked: {left, top, right, bottom}, or null. */
  take() {
    const dirty = this.#dirty;
    this.#dirty = null;
    return dirty;
  }

  /** A line as wide as the brush; points and radius in the picture's pixels. */
  stroke(from, to, radius, on) {
    const box = this.#touch(
      Math.min(from.x, to.x) - radius,
      Math.min(from.y, to.y) - radius,
      Math.max(from.x, to.x) + radius,
      Math.max(from.y, to.y) + radius,
    );
    if (!box) return;
    const [dx, dy] = [to.x - from.x, to.y - from.y];
    const length = dx * dx + dy * dy || 1;
    for (let y = box.top; y < box.bottom; y++)
      for (let x = box.left; x < box.right; x++) {
        const [px, py] = [x + 0.5 - from.x, y + 0.5 - from.y];
        const along = Math.min(Math.max((px * dx + py * dy) / length, 0), 1);
        const [ex, ey] = [px - along * dx, py - along * dy];
        if (ex * ex + ey * ey <= radius * radius) this.#set(y * this.width + x, on);
      }
    this.#dot(to, on);
  }

  /** The inside of a polygon, by pixel centres (even-odd). */
  polygon(points, on) {
    const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
    const box = this.#touch(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys));
    if (!box) return;
    for (let y = box.top; y < box.bottom; y++) {
      const cuts = crossings(points, y + 0.5);
      for (let i = 0; i + 1 < cuts.length; i += 2) {
        const end = Math.min(Math.ceil(cuts[i + 1] - 0.5), this.width);
        for (let x = Math.max(Math.ceil(cuts[i] - 0.5), 0); x < end; x++) this.#set(y * this.width + x, on);
      }
    }
  }

  /** Everything connected with a pixel that is as it is. False where an empty area is not closed: it would run out. */
  flood(x, y, on) {
    if (!this.#inside(x, y) || !!this.has(x, y) === on) return true;
    const sides = new Set();
    const open = [[x, y]];
    while (open.length) {
      const [px, py] = open.pop();
      if (!!this.has(px, py) === on) continue;
      let [left, right] = [px, px];
      while (left > 0 && !!this.has(left - 1, py) !== on) left--;
      while (right < this.width - 1 && !!this.has(right + 1, py) !== on) right++;
      this.#touch(left, py, right + 1, py + 1);
      for (let at = left; at <= right; at++) this.#set(py * this.width + at, on);
      this.#note(sides, left, right, py);
      if (on && sides.size >= SIDES_OF_OUTSIDE) return false;
      for (const next of [py - 1, py + 1]) this.#starts(open, left, right, next, on);
    }
    return true;
  }

  /** Make this layer what it is in other bits. */
  replace(bits) {
    this.#touch(0, 0, this.width, this.height);
    const own = 1 << this.layer;
    for (let at = 0; at < this.bits.length; at++) this.bits[at] = (this.bits[at] & ~own) | (bits[at] & own);
  }

  /** Dice coefficient of this layer with other bits; 1 where neither has a pixel. */
  dice(bits) {
    const own = 1 << this.layer;
    let [both, sum] = [0, 0];
    for (let at = 0; at < bits.length; at++) {
      const [a, b] = [this.bits[at] & own, bits[at] & own];
      if (a) sum++;
      if (b) sum++;
      if (a && b) both++;
    }
    return sum ? (2 * both) / sum : 1;
  }

  #set(at, on) {
    if (on) this.bits[at] |= 1 << this.layer;
    else this.bits[at] &= ~(1 << this.layer);
  }

  /** A brush smaller than a pixel still marks the one it is on. */
  #dot({ x, y }, on) {
    const [px, py] = [Math.floor(x), Math.floor(y)];
    if (this.#inside(px, py) && this.#touch(px, py, px + 1, py + 1)) this.#set(py * this.width + px, on);
  }

  #inside(x, y) {
    return x >= 0 && y >= 0 && x < this.width && y < this.height;
  }

  #note(sides, left, right, y) {
    if (left === 0) sides.add("left");
    if (right === this.width - 1) sides.add("right");
    if (y === 0) sides.add("top");
    if (y === this.height - 1) sides.add("bottom");
  }

  #starts(open, left, right, y, on) {
    if (y < 0 || y >= this.height) return;
    let inside = false;
    for (let x = left; x <= right; x++) {
      const free = !!this.has(x, y) !== on;
      if (free && !inside) open.push([x, y]);
      inside = free;
    }
  }

  /** Remember what a part was before it is changed, tile by tile; the part cut to the picture, or null. */
  #touch(x0, y0, x1, y1) {
    const box = {
      left: Math.max(Math.floor(x0), 0),
      top: Math.max(Math.floor(y0), 0),
      right: Math.min(Math.ceil(x1), this.width),
      bottom: Math.min(Math.ceil(y1), this.height),
    };
    if (box.left >= box.right || box.top >= box.bottom) return null;
    const across = Math.ceil(this.width / TILE);
    for (let row = Math.floor(box.top / TILE); row * TILE < box.bottom; row++)
      for (let column = Math.floor(box.left / TILE); column * TILE < box.right; column++) {
        const tile = row * across + column;
        if (!this.#before.has(tile)) this.#before.set(tile, this.#copy(tile));
      }
    this.#spread(box);
    return box;
  }

  #spread(box) {
    const was = this.#dirty ?? box;
    this.#dirty = {
      left: Math.min(was.left, box.left),
      top: Math.min(was.top, box.top),
      right: Math.max(was.right, box.right),
      bottom: Math.max(was.bottom, box.bottom),
    };
  }

  #box(tile) {
    const across = Math.ceil(this.width / TILE);
    const [left, top] = [(tile % across) * TILE, Math.floor(tile / across) * TILE];
    return { left, top, right: Math.min(left + TILE, this.width), bottom: Math.min(top + TILE, this.height) };
  }

  #copy(tile) {
    const { left, top, right, bottom } = this.#box(tile);
    const out = new Uint8Array((right - left) * (bottom - top));
    for (let y = top; y < bottom; y++) out.set(this.bits.subarray(y * this.width + left, y * this.width + right), (y - top) * (right - left));
    return out;
  }

  #paste(tile, values) {
    const box = this.#box(tile);
    const wide = box.right - box.left;
    for (let y = box.top; y < box.bottom; y++)
      this.bits.set(values.subarray((y - box.top) * wide, (y - box.top + 1) * wide), y * this.width + box.left);
    this.#spread(box);
  }
}

function crossings(points, y) {
  const cuts = [];
  points.forEach((a, i) => {
    const b = points[(i + 1) % points.length];
    if (a.y > y !== b.y > y) cuts.push(a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x));
  });
  return cuts.sort((a, b) => a - b);
}
