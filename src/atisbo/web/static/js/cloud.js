// Points in space, drawn by WebGL; found again under the pointer, or within a loop drawn around them. Stands alone, so that a saved
// map can carry it.

const VERTEX = `#version 300 es
in vec3 place; in vec3 colour; in vec3 look; // look: kind 0 hidden 1 plain 2 chosen 3 pointed at; shape; picture or -1
uniform mat4 camera; uniform float size; uniform float fog; uniform float large;
out vec3 tint; out float shape; out float ring; flat out float tile;
void main() {
  gl_Position = camera * vec4(place, 1.0);
  float far = clamp((gl_Position.w - 2.0) / 2.4, 0.0, 1.0) * fog;
  tint = mix(colour, vec3(0.043, 0.043, 0.047), far * 0.5);
  shape = look.y; ring = look.x; tile = look.z;
  float grow = look.x > 2.5 ? 2.0 : look.x > 1.5 ? 1.45 : 1.0;
  gl_PointSize = look.x < 0.5 ? 0.0 : (tile >= 0.0 ? large : size) * grow * mix(1.0, 2.8 / gl_Position.w, fog);
  if (look.x < 0.5) gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
in vec3 tint; in float shape; in float ring; flat in float tile; out vec4 drawn;
uniform sampler2D pictures;
float edge(vec2 at) { // 1 on the outline, below inside
  if (shape < 0.5) return length(at);
  if (shape < 1.5) return max(abs(at.x), abs(at.y)) * 1.15;
  if (shape < 2.5) return max(abs(at.x) * 1.2 + at.y * 0.6, -at.y) * 1.05 + 0.12;
  if (shape < 3.5) return abs(at.x) + abs(at.y);
  return min(max(abs(at.x) * 3.0, abs(at.y)), max(abs(at.y) * 3.0, abs(at.x)));
}
void main() {
  if (tile >= 0.0) {
    vec2 from = vec2(mod(tile, 24.0), floor(tile / 24.0));
    vec2 rim = abs(gl_PointCoord - 0.5);
    bool edge = max(rim.x, rim.y) > (ring > 1.5 ? 0.44 : 0.47);
    drawn = vec4(edge ? (ring > 1.5 ? vec3(1.0) : tint) : texture(pictures, (from + gl_PointCoord) / 24.0).rgb, 1.0);
    return;
  }
  float at = edge((gl_PointCoord * 2.0 - 1.0) * vec2(1.0, -1.0));
  if (at > 1.0) discard;
  bool rim = at > (ring > 1.5 ? 0.66 : 0.84);
  drawn = vec4(rim ? (ring > 1.5 ? vec3(1.0) : tint * 0.35) : tint, 1.0);
}`;

export const TILES = 576; // 24 by 24 pictures
const TILE = 80; // pixels

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

export class Cloud extends EventTarget {
  #canvas;
  #loop;
  #gl;
  #program;
  #buffers = {};
  #texture;
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
    this.#gl = canvas.getContext("webgl2", { antialias: true });
    if (!this.#gl) throw new Error("no WebGL 2");
    this.#build();
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
    this.#fill("place", this.#places, 3);
  }

  /** ``colours``: [r, g, b], 0 to 1, of each; ``shapes``: 0 to 4; ``kinds``: 0 hidden, 1 plain, 2 chosen. */
  paint(colours, shapes, kinds) {
    this.#looks = Float32Array.from(kinds.flatMap((kind, at) => [kind, shapes[at]]));
    this.#fill("colour", Float32Array.from(colours.flat()), 3);
    this.#light(this.#pointed);
  }

  /** A small picture to be drawn in place of a point while ``pictures`` is on; the first ``TILES`` are kept. */
  show(index, bitmap) {
    if (this.#next >= TILES || this.#tiles.has(index)) return;
    const gl = this.#gl;
    const canvas = Object.assign(document.createElement("canvas"), { width: TILE, height: TILE });
    const scale = TILE / Math.min(bitmap.width, bitmap.height);
    const [width, height] = [bitmap.width * scale, bitmap.height * scale];
    canvas.getContext("2d").drawImage(bitmap, (TILE - width) / 2, (TILE - height) / 2, width, height);
    gl.bindTexture(gl.TEXTURE_2D, this.#texture);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, (this.#next % 24) * TILE, Math.floor(this.#next / 24) * TILE, gl.RGBA, gl.UNSIGNED_BYTE, canvas);
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

  #build() {
    const gl = this.#gl;
    this.#program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(this.#program, shader);
    }
    gl.linkProgram(this.#program);
    for (const name of ["place", "colour", "look"]) this.#buffers[name] = gl.createBuffer();
    this.#texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, this.#texture);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8, 24 * TILE, 24 * TILE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
  }

  #restore() {
    this.#build();
    this.forget();
    this.#fill("place", this.#places, 3);
    this.dispatchEvent(new Event("restored"));
  }

  #fill(name, values, width) {
    const gl = this.#gl;
    const at = gl.getAttribLocation(this.#program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.#buffers[name]);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, width, gl.FLOAT, false, 0, 0);
    this.#soon(name === "place");
  }

  #light(index) {
    const looks = new Float32Array((3 * this.#looks.length) / 2);
    for (let at = 0; at < looks.length / 3; at += 1) {
      const tile = this.pictures ? (this.#tiles.get(at) ?? -1) : -1;
      looks.set([at === index && this.#looks[2 * at] ? 3 : this.#looks[2 * at], this.#looks[2 * at + 1], tile], 3 * at);
    }
    this.#fill("look", looks, 3);
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
    const [gl, canvas] = [this.#gl, this.#canvas];
    const dense = Math.min(devicePixelRatio, 2);
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.max(1, Math.round(side * dense)));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    gl.viewport(0, 0, width, height);
    gl.clearColor(0.043, 0.043, 0.047, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    const count = this.#places.length / 3;
    if (!count) return;
    gl.enable(gl.DEPTH_TEST);
    gl.useProgram(this.#program);
    const uniform = (name) => gl.getUniformLocation(this.#program, name);
    gl.uniformMatrix4fv(uniform("camera"), false, this.#camera());
    gl.uniform1f(uniform("size"), dense * clamp(26 - 4 * Math.log10(count) * 1.3, 7, 20) * (this.#flat ? Math.sqrt(this.#view.zoom) ** 0.7 : 1));
    gl.uniform1f(uniform("large"), dense * clamp(150 / Math.log2(count + 1), 22, 40) * (this.#flat ? this.#view.zoom ** 0.35 : 1));
    gl.uniform1f(uniform("fog"), this.#flat ? 0 : 1);
    gl.drawArrays(gl.POINTS, 0, count);
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
