// Zoom and pan of the stage: all panes move together. Zoom 1 is the whole picture.

const LARGEST = 12;

export class Viewport extends EventTarget {
  #element;
  #stage;
  #size = { width: 4, height: 3 };
  #zoom = 1;
  #pan = { x: 0, y: 0 };
  #fingers = new Map();

  constructor(element, stage) {
    super();
    this.#element = element;
    this.#stage = stage;
    new ResizeObserver(() => this.#apply()).observe(element);
    element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    element.addEventListener("pointerdown", (event) => this.#down(event));
    element.addEventListener("pointermove", (event) => this.#move(event));
    for (const type of ["pointerup", "pointercancel"]) element.addEventListener(type, (event) => this.#fingers.delete(event.pointerId));
    element.addEventListener("dblclick", (event) => (this.#zoom > 1 ? this.fit() : this.zoomBy(2.5, this.#within(event))));
  }

  /** ``size``: pixels of the picture. Keeps zoom and pan if it has not changed. */
  setSize(size) {
    if (size.width === this.#size.width && size.height === this.#size.height) return this.#apply();
    this.#size = size;
    this.fit();
  }

  fit() {
    this.#zoom = 1;
    this.#pan = { x: 0, y: 0 };
    this.#apply();
  }

  /** Show this part of the picture as large as it goes, with a margin. */
  look({ x, y, width, height }) {
    const room = this.#rooms()[0]?.getBoundingClientRect();
    if (!room?.width) return;
    const fit = Math.min(room.width / this.#size.width, room.height / this.#size.height);
    const wanted = (0.9 * Math.min(room.width / width, room.height / height)) / fit;
    this.#zoom = Math.min(Math.max(wanted, 1), LARGEST);
    const scale = fit * this.#zoom;
    this.#pan = { x: (this.#size.width / 2 - x - width / 2) * scale, y: (this.#size.height / 2 - y - height / 2) * scale };
    this.#apply();
  }

  /** Zoom so that the point ``at``, counted from the middle of the room, stays where it is. */
  zoomBy(factor, at = { x: 0, y: 0 }) {
    const zoom = Math.min(Math.max(this.#zoom * factor, 1), LARGEST);
    const real = zoom / this.#zoom;
    this.#pan = { x: at.x - (at.x - this.#pan.x) * real, y: at.y - (at.y - this.#pan.y) * real };
    this.#zoom = zoom;
    this.#apply();
  }

  refresh() {
    this.#apply();
  }

  #apply() {
    const room = this.#rooms()[0]?.getBoundingClientRect();
    if (!room?.width) return;
    const fit = Math.min(room.width / this.#size.width, room.height / this.#size.height);
    const width = this.#size.width * fit * this.#zoom;
    const height = this.#size.height * fit * this.#zoom;
    const keep = (pan, length, space) => Math.min(Math.max(pan, -Math.max(length - space, 0) / 2), Math.max(length - space, 0) / 2);
    this.#pan = { x: keep(this.#pan.x, width, room.width), y: keep(this.#pan.y, height, room.height) };
    const set = (name, value) => this.#stage.style.setProperty(name, `${value}px`);
    set("--width", width);
    set("--height", height);
    set("--pan-x", this.#pan.x);
    set("--pan-y", this.#pan.y);
    this.dispatchEvent(new CustomEvent("zoomed", { detail: { zoom: this.#zoom, scale: fit * this.#zoom } }));
  }

  #rooms() {
    return [...this.#element.querySelectorAll(".room")].filter((room) => room.offsetParent);
  }

  #within({ clientX, clientY }) {
    const boxes = this.#rooms().map((room) => room.getBoundingClientRect());
    const box = boxes.find((b) => clientX >= b.left && clientX <= b.right && clientY >= b.top && clientY <= b.bottom) ?? boxes[0];
    return { x: clientX - box.left - box.width / 2, y: clientY - box.top - box.height / 2 };
  }

  #wheel(event) {
    event.preventDefault();
    this.zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0018)), this.#within(event));
  }

  #down(event) {
    if (event.target.closest("input, button")) return;
    this.#element.setPointerCapture(event.pointerId);
    this.#fingers.set(event.pointerId, event);
  }

  #move(event) {
    const before = this.#fingers.get(event.pointerId);
    if (!before) return;
    const other = [...this.#fingers.values()].find((finger) => finger.pointerId !== event.pointerId);
    this.#fingers.set(event.pointerId, event);
    if (other) {
      const apart = (finger) => Math.hypot(finger.clientX - other.clientX, finger.clientY - other.clientY) || 1;
      const middle = { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 };
      this.zoomBy(apart(event) / apart(before), this.#within(middle));
    }
    const share = other ? 0.5 : 1;
    this.#pan.x += (event.clientX - before.clientX) * share;
    this.#pan.y += (event.clientY - before.clientY) * share;
    this.#apply();
  }
}
