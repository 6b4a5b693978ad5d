// A failure in words where it happened; where the session has ended, with the way back in that leaves this page as it is.

import { say } from "./words.js";

const meta = document.querySelector("meta[name=csrf-token]");

/** Where to sign in and come back here; says why, unless nobody was signed in. */
export const signIn = () => `/sign-in?next=${encodeURIComponent(location.pathname)}${"reader" in meta.dataset ? "&done=session" : ""}`;

/** Write into ``line`` what a Refusal says. */
export function tell(line, { message, status }) {
  line.replaceChildren(message);
  if (status === 401) line.append(" ", Object.assign(document.createElement("a"), { href: signIn(), target: "_blank", textContent: say("session.sign.in") }));
}
