// Points on the graphics card: shapes in colours, or small pictures. Goes into a saved map before camera.js.

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
const ACROSS = 24;
const TILE = 80; // pixels

export class Sprites {
  #canvas;
  #gl;
  #program;
  #buffers;
  #texture;

  /** Raises where the browser has no WebGL 2. */
  constructor(canvas) {
    this.#canvas = canvas;
    // A point's outline is the shader's, which smoothing by the card does not reach; without a card that and mixing with
    // the page behind cost three quarters of every frame.
    this.#gl = canvas.getContext("webgl2", { antialias: false, alpha: false });
    if (!this.#gl) throw new Error("no WebGL 2");
    this.build();
  }

  /** Everything that lies on the card; once more after it was lost. */
  build() {
    const gl = this.#gl;
    this.#program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(this.#program, shader);
    }
    gl.linkProgram(this.#program);
    this.#buffers = Object.fromEntries(["place", "colour", "look"].map((name) => [name, gl.createBuffer()]));
    this.#texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, this.#texture);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8, ACROSS * TILE, ACROSS * TILE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
  }

  /** One of ``place``, ``colour`` and ``look`` for all points: three numbers each. */
  fill(name, values) {
    const gl = this.#gl;
    const at = gl.getAttribLocation(this.#program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.#buffers[name]);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, 3, gl.FLOAT, false, 0, 0);
  }

  /** The three numbers of one point anew. */
  change(name, at, values) {
    const gl = this.#gl;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.#buffers[name]);
    gl.bufferSubData(gl.ARRAY_BUFFER, 4 * 3 * at, values);
  }

  /** Keep a picture's middle square as tile number ``tile``. */
  keep(tile, bitmap) {
    const gl = this.#gl;
    const canvas = Object.assign(document.createElement("canvas"), { width: TILE, height: TILE });
    const scale = TILE / Math.min(bitmap.width, bitmap.height);
    const [width, height] = [bitmap.width * scale, bitmap.height * scale];
    canvas.getContext("2d").drawImage(bitmap, (TILE - width) / 2, (TILE - height) / 2, width, height);
    gl.bindTexture(gl.TEXTURE_2D, this.#texture);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, (tile % ACROSS) * TILE, Math.floor(tile / ACROSS) * TILE, gl.RGBA, gl.UNSIGNED_BYTE, canvas);
  }

  /** ``size`` and ``large`` are those of points and pictures, in pixels of the page. */
  draw(count, camera, { size, large, fog }) {
    const [gl, canvas] = [this.#gl, this.#canvas];
    const dense = Math.min(devicePixelRatio, 2);
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.max(1, Math.round(side * dense)));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    gl.viewport(0, 0, width, height);
    gl.clearColor(0.043, 0.043, 0.047, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    if (!count) return;
    gl.enable(gl.DEPTH_TEST);
    gl.useProgram(this.#program);
    gl.uniformMatrix4fv(gl.getUniformLocation(this.#program, "camera"), false, camera);
    for (const [name, value] of Object.entries({ size: dense * size, large: dense * large, fog }))
      gl.uniform1f(gl.getUniformLocation(this.#program, name), value);
    gl.drawArrays(gl.POINTS, 0, count);
  }
}
