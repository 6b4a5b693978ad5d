// Outlines as SVG in the picture's own pixels; ring points are pixel centres.

const SVG = "http://www.w3.org/2000/svg";

export function draw(svg, collection) {
  svg.setAttribute("viewBox", `0 0 ${collection.width} ${collection.height}`);
  svg.replaceChildren(...byRegion(collection.features).map(([region, features]) => shape(region, features)));
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
