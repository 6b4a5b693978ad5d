// What fingers, pens and mice do to a mask. One finger draws, two zoom; where a pen has been used, a finger moves.

const ERASER_OF_A_PEN = 32;
const MIDDLE = 1;
const RIGHT = 2;
const NEAR = 12;

export class Hand {
  #room;
  #view;
  #line;
  #fingers = new Map();
  #doing = null;
  #last = null;
  #points = [];
  #penned = false;
  #then;

  tool = "brush";
  /** Of the brush, in the picture's pixels. */
  radius = 12;
  panning = false;
  mask = null;

  /** ``then``: {drawn(), open(), sized()}: after a step, where an area was not closed, and when the brush changed. */
  constructor(room, view, then) {
    this.#room = room;
    this.#view = view;
    this.#then = then;
    this.#line = room.querySelector("polyline");
    room.addEventListener("pointerdown", (event) => this.#down(event));
    room.addEventListener("pointermove", (event) => this.#move(event));
    for (const type of ["pointerup", "pointercancel"]) room.addEventListener(type, (event) => this.#up(event));
    room.addEventListener("pointerleave", () => this.#ring(null));
    room.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    room.addEventListener("contextmenu", (event) => event.preventDefault());
    room.addEventListener("dblclick", () => this.close());
    view.addEventListener("moved", () => this.#outline());
  }

  get drawingPolygon() {
    return this.#points.length > 0;
  }

  size(factor) {
    this.radius = Math.min(Math.max(this.radius * factor, 0.5), 400);
    this.#ring(this.#last);
    this.#then.sized();
  }

  /** Close the polygon that is being drawn, if one is, and fill it; with ``on`` false, take its inside away. */
  close(on = true) {
    if (this.#points.length > 2) {
      this.mask.begin();
      this.mask.polygon(this.#points, on);
      this.#finish();
    }
    this.dropPolygon();
  }

  dropPolygon() {
    this.#points = [];
    this.#outline();
  }

  backOnePoint() {
    this.#points.pop();
    this.#outline();
  }

  #down(event) {
    if (!this.mask || event.target.closest("button, .editor-question, .editor-busy")) return;
    event.preventDefault();
    this.#room.setPointerCapture(event.pointerId);
    if (event.pointerType === "pen") this.#penned = true;
    this.#fingers.set(event.pointerId, event);
    if (this.#fingers.size > 1) return this.#pinch();
    const moves = this.panning || event.button === MIDDLE || (event.pointerType === "touch" && this.#penned);
    if (moves) this.#doing = "pan";
    else if (this.tool === "polygon") this.#corner(event);
    else if (this.tool === "fill") this.#fill(event);
    else this.#stroke(event);
  }

  #stroke(event) {
    const erases = event.button === RIGHT || (event.buttons & ERASER_OF_A_PEN) !== 0;
    this.#doing = erases || this.tool === "eraser" ? "erase" : "paint";
    this.mask.begin();
    this.#mark(event, this.#view.at(event));
  }

  #pinch() {
    if (this.#doing === "paint" || this.#doing === "erase") this.#view.draw(this.mask.cancel());
    this.#doing = "pinch";
  }

  #move(event) {
    this.#ring(event);
    const before = this.#fingers.get(event.pointerId);
    if (!before) return;
    this.#fingers.set(event.pointerId, event);
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    if (this.#doing === "pan") this.#view.pan(dx, dy);
    else if (this.#doing === "pinch") this.#spread(event, before, dx, dy);
    else if (this.#doing) {
      let from = this.#view.at(before);
      for (const one of event.getCoalescedEvents?.() ?? []) from = this.#mark(one, from);
      this.#mark(event, from);
    }
  }

  #spread(event, before, dx, dy) {
    const other = [...this.#fingers.values()].find(({ pointerId }) => pointerId !== event.pointerId);
    if (!other) return this.#view.pan(dx, dy);
    const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
    const middle = { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 };
    this.#view.pan(dx / 2, dy / 2);
    this.#view.zoom(apart(event) / apart(before), this.#view.within(middle));
  }

  #mark(event, from) {
    const to = this.#view.at(event);
    this.mask.stroke(from, to, this.radius, this.#doing === "paint");
    this.#view.draw(this.mask.take());
    return to;
  }

  #up(event) {
    if (!this.#fingers.delete(event.pointerId)) return;
    if (this.#doing === "paint" || this.#doing === "erase") {
      if (event.type === "pointercancel") this.#view.draw(this.mask.cancel());
      else this.#finish();
    }
    if (this.#doing !== "pinch" || !this.#fingers.size) this.#doing = null;
  }

  #corner(event) {
    const point = this.#view.at(event);
    const [first] = this.#points;
    const near = first && Math.hypot(point.x - first.x, point.y - first.y) * this.#view.scale < NEAR;
    if (this.#points.length > 2 && near) return this.close(!event.shiftKey && event.button !== RIGHT);
    this.#points.push(point);
    this.#outline();
  }

  #fill(event) {
    const { x, y } = this.#view.at(event);
    const on = !event.shiftKey && event.button !== RIGHT;
    this.mask.begin();
    if (this.mask.flood(Math.floor(x), Math.floor(y), on)) return this.#finish();
    this.#view.draw(this.mask.cancel());
    this.#then.open();
  }

  #finish() {
    const dirty = this.mask.take();
    if (this.mask.commit()) this.#then.drawn();
    if (dirty) this.#view.draw(dirty);
  }

  /** The polygon so far, and the way to where the pointer is. */
  #outline(at = null) {
    const points = at ? [...this.#points, at] : this.#points;
    this.#line.setAttribute("points", points.map(({ x, y }) => `${this.#view.x + x * this.#view.scale},${this.#view.y + y * this.#view.scale}`).join(" "));
    this.#line.parentElement.toggleAttribute("data-drawing", points.length > 0);
    const first = this.#line.nextElementSibling;
    if (!points.length) return;
    first.setAttribute("cx", this.#view.x + points[0].x * this.#view.scale);
    first.setAttribute("cy", this.#view.y + points[0].y * this.#view.scale);
  }

  /** How large the brush is, where it is. */
  #ring(event) {
    this.#last = event;
    const ring = this.#room.querySelector(".ring");
    const brush = (this.tool === "brush" || this.tool === "eraser") && !this.panning;
    ring.hidden = !event || !brush || (event.pointerType === "touch" && !event.buttons);
    if (event && this.#points.length) this.#outline(this.#view.at(event));
    if (ring.hidden) return;
    const { x, y } = this.#view.within(event);
    const side = 2 * this.radius * this.#view.scale;
    Object.assign(ring.style, { width: `${side}px`, height: `${side}px`, transform: `translate(${x - side / 2}px, ${y - side / 2}px)` });
  }

  #wheel(event) {
    event.preventDefault();
    const turned = event.deltaY || event.deltaX;
    if (event.shiftKey || event.altKey) return this.size(turned > 0 ? 1 / 1.15 : 1.15);
    this.#view.zoom(Math.exp(-turned * (event.deltaMode ? 0.05 : 0.0018)), this.#view.within(event));
    this.#ring(event);
  }
}
