// The separate yeses that go out with a file: to learning from it and to others' finding it. A tick shows what it means.

for (const box of document.querySelectorAll("[data-permit]"))
  box.addEventListener("change", () => (box.closest(".consent").querySelector("details").open = box.checked));

/** What is ticked now, as the service reads it; empty where nothing is. */
export function permits() {
  return [...document.querySelectorAll("[data-permit]:checked")].map(({ dataset }) => dataset.permit).join(" ");
}
