// A version that is being checked or judged: the page is made anew when that is over.

const head = document.querySelector("[data-version]");
const { version, state, judged } = head.dataset;
const LOOK_MS = 1500;

async function look() {
  const answer = await fetch(`/api/v1/models/${version}`, { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return;
  const now = await answer.json();
  if (now.state !== state || (now.evaluation?.status ?? "") !== judged) location.reload();
}

if (state === "received" || ["waiting", "running"].includes(judged)) setInterval(look, LOOK_MS);
