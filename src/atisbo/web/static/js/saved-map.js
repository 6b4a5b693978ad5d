// Goes into a saved map after cloud.js, in the same script: no page of the service loads it.

const { flat, places, names, groups, pictures } = JSON.parse(document.getElementById("data").textContent);
const SHAPES = ["\u25cf", "\u25a0", "\u25b2", "\u25c6", "\u271a"];
const hint = document.getElementById("hint");
const words = new Array(places.length).fill("");
const colours = new Array(places.length);
const shapes = new Array(places.length).fill(0);
const hidden = new Set();
for (const { word, colour, shape, indices } of groups)
  for (const at of indices) {
    words[at] = word;
    shapes[at] = shape;
    colours[at] = [1, 3, 5].map((from) => parseInt(colour.slice(from, from + 2), 16) / 255);
  }
const drawing = new Cloud(document.querySelector("canvas"), document.getElementById("loop"));
const kinds = () => words.map((word) => (hidden.has(word) ? 0 : 1));
drawing.place(places, flat);
drawing.paint(colours, shapes, kinds());
for (const { word, colour, shape, indices } of groups) {
  const row = document.createElement("li");
  const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: true });
  const line = document.createElement("label");
  const sign = Object.assign(document.createElement("b"), { textContent: SHAPES[shape] });
  sign.style.color = colour;
  line.append(box, sign, ` ${word} `, Object.assign(document.createElement("small"), { textContent: indices.length }));
  row.append(line);
  box.addEventListener("change", () => {
    if (box.checked) hidden.delete(word);
    else hidden.add(word);
    drawing.paint(colours, shapes, kinds());
  });
  document.getElementById("legend").append(row);
}
drawing.addEventListener("hover", ({ detail: { index, x, y } }) => {
  hint.hidden = index < 0;
  if (index < 0) return;
  const image = hint.querySelector("img");
  image.hidden = !pictures[index];
  if (pictures[index]) image.src = pictures[index];
  hint.querySelector("strong").textContent = words[index];
  hint.querySelector("span").textContent = names[index];
  hint.style.left = `${x + 16}px`;
  hint.style.top = `${y + 16}px`;
});
