// Talking to the service. Every failure becomes a Refusal whose message can be shown as it is.

import { signIn } from "./ended.js";
import { unsaved } from "./unsaved.js";
import { say } from "./words.js";

const meta = document.querySelector("meta[name=csrf-token]");
const API = "/api/v1";

/** ``status`` and ``code`` are the service's; both are missing where it could not be reached. */
export class Refusal extends Error {
  constructor(message, { status, code } = {}) {
    super(message);
    Object.assign(this, { status, code });
  }
}

export const list = (application, before, limit = 50) =>
  call("GET", `/predictions?application=${application}&limit=${limit}${before ? `&before=${encodeURIComponent(before)}` : ""}`);
export const one = (id) => call("GET", `/predictions/${id}`);
export const some = (ids) => call("GET", `/predictions?limit=${ids.length}&${ids.map((id) => `id=${id}`).join("&")}`);
export const map = (application) => call("GET", `/applications/${application}/map`);
export const contours = (id) => call("GET", `/predictions/${id}/contours`);
export const heatmap = (id) => call("GET", `/predictions/${id}/heatmap`);
export const undoDeletion = (address) => call("DELETE", address.slice(API.length));

/** Answers the address that takes it back. */
export async function deleteImage(id) {
  const answer = await send(`/images/${id}`, { method: "DELETE" });
  read(answer.status, await answer.text());
  return answer.headers.get("Location");
}

export const trySample = (application, file, region) =>
  call("POST", `/applications/${application}/samples/${encodeURIComponent(file)}/predictions${region ? `?region=${encodeURIComponent(JSON.stringify(region))}` : ""}`);

/** Another part of an image that is stored. */
export const askAgain = (image, application, region, key) =>
  call("POST", `/images/${image}/predictions`, { application, region }, { "Idempotency-Key": key });

/** Have the part that matters looked for: in a file, which is not kept, or in an image that is stored. */
export async function findRegion(application, { file, image }) {
  const form = new FormData();
  if (image) form.append("image", image);
  else form.append("file", file, file.name);
  const answer = await send(`/applications/${application}/regions`, { method: "POST", body: form });
  return read(answer.status, await answer.text());
}

export const reviews = (application, before) =>
  call("GET", `/reviews?application=${application}&limit=200${before ? `&before=${encodeURIComponent(before)}` : ""}`);
export const getReview = (id) => call("GET", `/predictions/${id}/review`);
export const putReview = (id, said, version) => call("PUT", `/predictions/${id}/review`, said, { "If-Match": `"${version}"` });
export const forgetReview = (id) => call("DELETE", `/predictions/${id}/review`);
export const removeMask = (id, version) => call("DELETE", `/predictions/${id}/review/mask`, null, { "If-Match": `"${version}"` });
export const inboxNext = (application, count) => call("POST", "/inbox/next", { application, count });
export const inboxAnswer = (id, said) => call("PUT", `/inbox/${id}/answer`, said);
export const inboxUndo = (id) => call("DELETE", `/inbox/${id}/answer`);
/** Sent also while the page goes away; nobody waits for it. */
export const inboxRelease = (id) => fetch(`${API}/inbox/${id}`, { method: "DELETE", headers: { "X-CSRF-Token": meta.content }, keepalive: true }).catch(() => null);
export const warnings = (application, metadata) => call("POST", `/applications/${application}/form/warnings`, { metadata });
export const terms = () => call("GET", "/terms");
export const agree = (version) => call("PUT", "/me/consents/use", { version });
export const share = (image, version) => call("PUT", `/images/${image}/sharing`, { version });
export const unshare = (image) => call("DELETE", `/images/${image}/sharing`);
export const neighbours = (kind, id, wish) => call("GET", `/${kind}/${id}/neighbours?${new URLSearchParams(wish)}`);
export const allow = (image, application, version) => call("PUT", `/images/${image}/consent`, { application, version });
export const forbid = (image) => call("DELETE", `/images/${image}/consent`);

/** The bytes of a mask: ``layers.png``, as the network outlined it, or ``review/mask.png``, as it was corrected. */
export async function getMask(id, name) {
  const answer = await send(`/predictions/${id}/${name}`, { headers: { Accept: "image/png, application/json" } });
  if (!answer.ok) return read(answer.status, await answer.text());
  return new Uint8Array(await answer.arrayBuffer());
}

/** Send a corrected mask and wait until a worker has looked at it. ``version`` null: whatever the review is now. */
export async function putMask(id, png, version) {
  const headers = { "Content-Type": "image/png", Prefer: "wait=20" };
  if (version !== null) headers["If-Match"] = `"${version}"`;
  const answer = await send(`/predictions/${id}/review/mask`, { method: "PUT", headers, body: png });
  return read(answer.status, await answer.text());
}

async function call(method, path, body, more = {}) {
  const headers = body ? { "Content-Type": "application/json", ...more } : more;
  const answer = await send(path, { method, headers, body: body && JSON.stringify(body) });
  return read(answer.status, await answer.text());
}

async function send(path, { headers, ...rest }) {
  const ask = () =>
    fetch(API + path, { ...rest, headers: { Accept: "application/json", "X-CSRF-Token": meta.content, ...headers } }).catch(() => {
      throw new Refusal(say("offline"));
    });
  const answer = await ask();
  return answer.status === 403 && (await renewed(await answer.clone().text())) ? ask() : answer;
}

/** The page's token hangs on its session. Who signed in again in another tab goes on here with that of the new one; nobody else does. */
async function renewed(text) {
  if (!text.includes('"csrf"')) return false;
  const page = await fetch("/about").then((answer) => answer.text(), () => "");
  const found = new DOMParser().parseFromString(page, "text/html").querySelector("meta[name=csrf-token]");
  if (!found || found.content === meta.content || found.dataset.reader !== meta.dataset.reader) return false;
  meta.content = found.content;
  for (const field of document.querySelectorAll("input[name=csrf_token]")) field.value = found.content;
  return true;
}

/** Where nothing would be lost, on to signing in; else the page stays and says so. */
function ended() {
  if (!unsaved()) location.assign(signIn());
  throw new Refusal(say("session.ended"), { status: 401 });
}

function read(status, text) {
  if (status === 401) ended();
  let body = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    throw new Refusal(say("lost.server"));
  }
  if (status >= 200 && status < 300) return body;
  throw new Refusal(body?.detail ?? say("lost.server"), { status, code: body?.code });
}

/** Many files in one request; answers what became of each, in their order. */
export async function sendMany(application, files, { regions, consent, key }) {
  const form = new FormData();
  for (const { file, name } of files) form.append("files", file, name);
  if (regions) form.append("regions", JSON.stringify(regions));
  if (consent) form.append("consent", consent);
  const answer = await send(`/applications/${application}/batches`, { method: "POST", headers: { "Idempotency-Key": key }, body: form });
  return read(answer.status, await answer.text());
}

export async function upload(application, file, { region, consent, pair, key, onProgress }) {
  const form = new FormData();
  form.append("file", file, file.name);
  if (region) form.append("region", JSON.stringify(region));
  if (consent) form.append("consent", consent);
  if (pair) {
    form.append("pair", pair.id);
    form.append("side", pair.side);
  }
  const post = () => posted(`/applications/${application}/predictions`, form, key, onProgress);
  let { status, responseText } = await post();
  if (status === 403 && (await renewed(responseText))) ({ status, responseText } = await post());
  return read(status, responseText);
}

/** XMLHttpRequest, because fetch does not tell how much of a body has gone out. */
function posted(path, form, key, onProgress) {
  const request = new XMLHttpRequest();
  request.open("POST", API + path);
  for (const [name, value] of Object.entries({ Accept: "application/json", "X-CSRF-Token": meta.content, "Idempotency-Key": key }))
    request.setRequestHeader(name, value);
  request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(total ? Math.min(loaded / total, 1) : 0));
  return new Promise((resolve, reject) => {
    request.addEventListener("error", () => reject(new Refusal(say("offline"))));
    request.addEventListener("load", () => resolve(request));
    request.send(form);
  });
}
