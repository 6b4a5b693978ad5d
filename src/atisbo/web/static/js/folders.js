// Files out of what was chosen or dropped: pictures, folders of pictures, ZIP files of pictures.

import { entries, isZip } from "./zip.js";

const PICTURE_NAME = /\.(jpe?g|jfif|png|webp|tiff?|bmp)$/i;
const ZIP_NAME = /\.zip$/i;
const HIDDEN = /(^|\/)(\.|__MACOSX\/|Thumbs\.db$|desktop\.ini$)/i;

/** Files of a drop as {file, path}; folders are opened. Has to begin while the drop is being told. */
export function dropped(transfer) {
  const roots = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!roots.length) return [...transfer.files].map((file) => ({ file, path: file.name }));
  return Promise.all(roots.map(walk)).then((found) => found.flat());
}

/** Files of an input, with the path inside the folder that was chosen. */
export function chosen(input) {
  return [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

async function walk(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ file, path: entry.fullPath.replace(/^\//, "") }];
  }
  const reader = entry.createReader();
  const inside = [];
  for (let some = await more(reader); some.length; some = await more(reader)) inside.push(...some);
  return (await Promise.all(inside.map(walk))).flat();
}

/** A folder tells what it holds a hundred at a time. */
function more(reader) {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}

/** Pictures as {path, size, open}, in the order of their paths, and how many files were no pictures. */
export async function pictures(files) {
  const found = [];
  for (const { file, path } of files) {
    if (ZIP_NAME.test(path) || (!PICTURE_NAME.test(path) && (await isZip(file)))) found.push(...(await entries(file)));
    else found.push({ path, size: file.size, open: async () => file });
  }
  const seen = found.filter(({ path }) => !HIDDEN.test(path));
  const kept = seen.filter(({ path }) => PICTURE_NAME.test(path));
  const order = new Intl.Collator(undefined, { numeric: true });
  return { kept: kept.sort((a, b) => order.compare(a.path, b.path)), passed: seen.length - kept.length };
}
