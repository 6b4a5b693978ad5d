// The pictures in a ZIP file, unpacked here one by one: nothing grows beyond what its directory says.

import { Refusal } from "./server.js";
import { say } from "./words.js";

const END = 0x06054b50; // signatures and layouts: APPNOTE.TXT, 4.3
const ENTRY = 0x02014b50;
const LOCAL_BYTES = 30;
const TAIL_BYTES = 22 + 65535;
const MOST_ENTRIES = 20000;
const ENCRYPTED = 1;
const UTF8 = 0x800;

export async function isZip(file) {
  const start = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  return start[0] === 0x50 && start[1] === 0x4b && [3, 5].includes(start[2]);
}

/** What lies in the archive: {path, size, open}, where ``open`` answers a File or throws a Refusal. */
export async function entries(file) {
  const { count, start, size } = await directory(file);
  if (count > MOST_ENTRIES || count === 0xffff || start === 0xffffffff) throw new Refusal(say("zip.large"));
  const view = await read(file, start, size);
  const found = [];
  for (let at = 0; found.length < count; ) {
    if (at + 46 > view.byteLength || view.getUint32(at, true) !== ENTRY) throw new Refusal(say("zip.damaged"));
    const [name, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    if (at + 46 + name > view.byteLength) throw new Refusal(say("zip.damaged"));
    const flags = view.getUint16(at + 8, true);
    found.push({
      path: text(new Uint8Array(view.buffer, view.byteOffset + at + 46, name), flags),
      flags,
      method: view.getUint16(at + 10, true),
      packed: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      local: view.getUint32(at + 42, true),
    });
    at += 46 + name + extra + comment;
  }
  return found.filter(({ path }) => !path.endsWith("/")).map((entry) => ({ path: entry.path, size: entry.size, open: () => unpack(file, entry) }));
}

async function directory(file) {
  const from = Math.max(0, file.size - TAIL_BYTES);
  const tail = await read(file, from, file.size - from);
  for (let at = tail.byteLength - 22; at >= 0; at -= 1) {
    if (tail.getUint32(at, true) !== END) continue;
    return { count: tail.getUint16(at + 10, true), size: tail.getUint32(at + 12, true), start: tail.getUint32(at + 16, true) };
  }
  throw new Refusal(say("zip.damaged"));
}

async function read(file, from, length) {
  return new DataView(await file.slice(from, from + length).arrayBuffer());
}

async function unpack(file, { path, flags, method, packed, size, local }) {
  if (flags & ENCRYPTED) throw new Refusal(say("zip.locked"));
  if (![0, 8].includes(method)) throw new Refusal(say("zip.method"));
  const head = await read(file, local, LOCAL_BYTES);
  if (head.byteLength < LOCAL_BYTES) throw new Refusal(say("zip.damaged"));
  const start = local + LOCAL_BYTES + head.getUint16(26, true) + head.getUint16(28, true);
  const part = file.slice(start, start + packed);
  const data = method === 0 ? part : await inflate(part, size);
  if (data.size !== size) throw new Refusal(say("zip.damaged"));
  return new File([data], path.split("/").at(-1), { type: type(path) });
}

async function inflate(part, size) {
  const pieces = [];
  let total = 0;
  const reader = part.stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      total += step.value.length;
      if (total > size) throw new Refusal(say("zip.damaged"));
      pieces.push(step.value);
    }
  } catch (error) {
    await reader.cancel().catch(() => null);
    throw error instanceof Refusal ? error : new Refusal(say("zip.damaged"));
  }
  return new Blob(pieces);
}

function text(bytes, flags) {
  const decoder = new TextDecoder(flags & UTF8 ? "utf-8" : "windows-1252");
  return decoder.decode(bytes).replaceAll("\\", "/");
}

function type(path) {
  const ending = path.split(".").at(-1).toLowerCase();
  return { jpg: "image/jpeg", jpeg: "image/jpeg", jfif: "image/jpeg", tif: "image/tiff" }[ending] ?? `image/${ending}`;
}
