// A run tells of itself: what changed is drawn by the service, and put in the place of what was there.

const { run } = document.querySelector("[data-run]").dataset;
const OVER = ["done", "failed", "cancelled"];

async function draw() {
  const answer = await fetch(`/manage/runs/${run}/now`, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return;
  const made = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("now");
  const shown = document.getElementById("now");
  const open = shown.querySelector("details")?.open;
  if (open) made.querySelector("details")?.setAttribute("open", "");
  shown.replaceWith(made);
}

if (!OVER.includes(document.getElementById("now").dataset.state)) {
  const events = new EventSource(`/api/v1/runs/${run}/events`);
  events.addEventListener("run", async ({ data }) => {
    const { state } = JSON.parse(data);
    if (OVER.includes(state)) events.close();
    await draw();
    if (OVER.includes(state)) document.querySelector("[data-run] form")?.remove();
  });
  addEventListener("pagehide", () => events.close());
}
