// Outlines as SVG in the picture's own pixels; ring points are pixel centres.

const SVG = "http://www.w3.org/2000/svg";
const layers = document.getElementById("bench").dataset.layers.split(" ");

/** The place of a label among those that are outlined: the first is cyan, the second yellow, and so on in turn. */
export function layerOf(label) {
  return Math.max(layers.indexOf(label), 0) % 2;
}

/** ``part`` is what the svg shows of the picture: a region, or all of it. */
export function draw(svg, collection, part = { x: 0, y: 0, width: collection.width, height: collection.height }) {
  svg.setAttribute("viewBox", `${part.x} ${part.y} ${part.width} ${part.height}`);
  svg.replaceChildren(...byRegion(collection.features).map(([region, features]) => shape(region, features)));
}

/** A frame around the part that was analysed. */
export function frame(svg, { x, y, width, height }) {
  for (const name of ["hairline", "line"]) {
    const rect = document.createElementNS(SVG, "rect");
    for (const [key, value] of Object.entries({ class: `part ${name}`, x, y, width, height })) rect.setAttribute(key, value);
    svg.append(rect);
  }
}

export function light(svg, region) {
  for (const group of svg.children) group.toggleAttribute("data-lit", group.dataset.region === String(region));
}

function byRegion(features) {
  const groups = new Map();
  features.forEach((feature, index) => {
    const region = feature.properties.region ?? index;
    groups.set(region, [...(groups.get(region) ?? []), feature]);
  });
  return [...groups];
}

function shape(region, features) {
  const group = document.createElementNS(SVG, "g");
  group.dataset.region = region;
  group.dataset.layer = layerOf(features[0].properties.label);
  const d = features.flatMap((feature) => feature.geometry.coordinates.map(ring)).join("");
  for (const name of ["body", "hairline", "line"]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", name);
    path.setAttribute("d", d);
    group.append(path);
  }
  return group;
}

function ring(points) {
  return `M${points.map(([x, y]) => `${x + 0.5} ${y + 0.5}`).join("L")}Z`;
}
