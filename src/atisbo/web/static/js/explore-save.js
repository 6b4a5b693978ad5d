// The map as one file that needs nothing else: points, names, small pictures, and the program that draws them.

import { picture } from "./explore-list.js";
import { save } from "./save.js";
import { say } from "./words.js";

const PICTURES = 400;
const SIDE = 96;
const AT_ONCE = 6;

export async function saveMap(button, { points, found, chosen, title, made, application }) {
  const word = button.querySelector("span");
  const before = word.textContent;
  button.disabled = true;
  try {
    const pictures = await small(points.id, (done, all) => (word.textContent = say("map.saving", { done, all })));
    const [sprites, camera, cloud, viewer, style] = await Promise.all(["./sprites.js", "./camera.js", "./cloud.js", "./saved-map.js", "../css/saved-map.css"].map(source));
    const flat = chosen.space === "2d";
    const places = chosen.method === "pca" ? points.pca.map((at) => at.slice(0, flat ? 2 : 3)) : flat ? points.flat : points.umap;
    const groups = found.map(({ word: called, colour, shape, indices }) => ({ word: called, colour, shape, indices }));
    const data = JSON.stringify({ flat, places, names: points.name, groups, pictures }).replaceAll("<", "\\u003c");
    save(`atisbo-${application}-map.html`, page({ title, made, data, style, program: [sprites, camera, cloud, viewer].join("\n") }), "text/html");
  } finally {
    Object.assign(word, { textContent: before });
    button.disabled = false;
  }
}

async function source(address) {
  return (await fetch(new URL(address, import.meta.url))).text();
}

/** Data addresses of small pictures by the point's place, spread evenly where there are many. */
async function small(ids, tell) {
  const step = Math.max(1, ids.length / PICTURES);
  const wanted = Array.from({ length: Math.min(ids.length, PICTURES) }, (_, at) => Math.floor(at * step));
  const found = {};
  let [next, done] = [0, 0];
  const work = async () => {
    while (next < wanted.length) {
      const at = wanted[next++];
      found[at] = await shrunk(picture(ids[at], "thumbnail")).catch(() => undefined);
      tell(++done, wanted.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}

async function shrunk(address) {
  const answer = await fetch(address);
  if (!answer.ok) return undefined;
  const bitmap = await createImageBitmap(await answer.blob());
  const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: Math.round(bitmap.width * scale), height: Math.round(bitmap.height * scale) });
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas.toDataURL("image/jpeg", 0.72);
}

const escaped = (text) => text.replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);

function page({ title, made, data, style, program }) {
  return `<!doctype html>
<html lang="${document.documentElement.lang}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${style}</style></head>
<body>
<canvas tabindex="0" aria-label="${escaped(title)}"></canvas><svg aria-hidden="true"><path id="loop"/></svg>
<section><h1>${escaped(title)}</h1><p>${escaped(made)}</p><ul id="legend"></ul><p>${escaped(document.querySelector(".foot span").textContent)}</p></section>
<div id="hint" hidden><img alt=""><strong></strong><span></span></div>
<script type="application/json" id="data">${data}</script>
<script type="module">
${program.replace(/^import .*$/gm, "")}
</script>
</body>
</html>
`;
}
