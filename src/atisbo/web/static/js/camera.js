// Where a map is looked at from, in space or from above. Goes into a saved map before cloud.js.

const LENS = 2.6;
const [NEAR, END] = [0.05, 20];
const SHOWN = 0.9; // of the shorter side, from the middle to 1

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

export class Camera {
  flat = false;
  zoom = 1;
  #canvas;
  #yaw;
  #pitch;
  #far;
  #x;
  #y;

  constructor(canvas) {
    this.#canvas = canvas;
    this.fit();
  }

  fit() {
    [this.#yaw, this.#pitch, this.#far, this.#x, this.#y, this.zoom] = [0.6, 0.35, 2.9, 0, 0, 1];
  }

  turn(yaw, pitch) {
    this.#yaw += yaw;
    this.#pitch = clamp(this.#pitch + pitch, -1.5, 1.5);
  }

  /** Move by so many pixels, or by a share of them. */
  pan(by, share) {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const scale = (share * 2) / Math.min(width, height) / (this.flat ? SHOWN * this.zoom : LENS / this.#far);
    this.#x += by.x * scale;
    this.#y -= by.y * scale;
  }

  approach(factor) {
    if (this.flat) this.zoom = clamp(this.zoom * factor, 0.4, 60);
    else this.#far = clamp(this.#far / factor, 0.4, 9);
  }

  /** Column by column, as WebGL takes it. */
  matrix() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const [sx, sy] = width > height ? [height / width, 1] : [1, width / height];
    if (this.flat) {
      const [across, up] = [SHOWN * sx * this.zoom, SHOWN * sy * this.zoom];
      return new Float32Array([across, 0, 0, 0, 0, up, 0, 0, 0, 0, 0, 0, across * this.#x, up * this.#y, 0, 1]);
    }
    const [c, s, d, e] = [Math.cos(this.#yaw), Math.sin(this.#yaw), Math.cos(this.#pitch), Math.sin(this.#pitch)];
    const rows = [[c, 0, s, 0], [e * s, d, -e * c, 0], [-d * s, e, d * c, 0]];
    const [a, b] = [(END + NEAR) / (END - NEAR), (-2 * END * NEAR) / (END - NEAR)];
    const matrix = new Float32Array(16);
    for (let column = 0; column < 4; column += 1) {
      const last = column === 3;
      const depth = last ? this.#far : -rows[2][column];
      matrix[4 * column] = LENS * sx * (last ? this.#x : rows[0][column]);
      matrix[4 * column + 1] = LENS * sy * (last ? this.#y : rows[1][column]);
      matrix[4 * column + 2] = a * depth + (last ? b : 0);
      matrix[4 * column + 3] = depth;
    }
    return matrix;
  }

  /** Where points (x, y, z one after another) are on the canvas: x and y in pixels, and how far away. */
  project(places) {
    const m = this.matrix();
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const found = new Float32Array(places.length);
    for (let at = 0; at < found.length; at += 3) {
      const [x, y, z] = [places[at], places[at + 1], places[at + 2]];
      const w = m[3] * x + m[7] * y + m[11] * z + m[15];
      found[at] = (((m[0] * x + m[4] * y + m[8] * z + m[12]) / w + 1) * width) / 2;
      found[at + 1] = ((1 - (m[1] * x + m[5] * y + m[9] * z + m[13]) / w) * height) / 2;
      found[at + 2] = w > 0 ? w : Infinity;
    }
    return found;
  }
}
