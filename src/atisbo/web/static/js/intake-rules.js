// What can be told of a file before it is sent.

import { decimal, say } from "./words.js";

const PICTURE_NAME = /\.(jpe?g|jfif|png|webp|tiff?|bmp)$/i;

/** Why a file would be refused, or null; ``maxBytes`` and ``accept`` stand on the page. */
export function obviousProblem(file, { maxBytes, accept }) {
  const limit = Number(maxBytes);
  if (file.size > limit) return say("too.large", { limit: decimal(limit / 1024 ** 2, 0) });
  const plausible = accept.split(",").includes(file.type) || PICTURE_NAME.test(file.name);
  return plausible ? null : say("not.picture");
}
