// Files let go anywhere on the page, or pasted into it.

import { say } from "./words.js";

const hasFiles = (event) => event.dataTransfer?.types.includes("Files");

/** Call ``take`` with the files of every drop and paste; ``gather`` finds them in what was dropped. */
export function listenToDrops(take, gather = (transfer) => [...transfer.files]) {
  const veil = document.getElementById("drop-veil");
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    veil.hidden = false;
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) veil.hidden = true;
  });
  document.addEventListener("drop", async (event) => {
    veil.hidden = true;
    if (!hasFiles(event)) return;
    event.preventDefault();
    take(await gather(event.dataTransfer));
  });
  document.addEventListener("paste", ({ clipboardData }) => {
    const files = [...(clipboardData?.files ?? [])];
    if (files.length) take(files.map(named));
  });
}

/** Browsers call whatever is pasted image.png. */
function named(file) {
  if (file.name && file.name !== "image.png") return file;
  return new File([file], `${say("pasted")}.${file.type.split("/")[1] ?? "png"}`, { type: file.type });
}
