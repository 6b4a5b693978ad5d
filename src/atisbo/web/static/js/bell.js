// The bell: how much long work has ended that one has not looked at; and, where it is wished, the browser's own notice.

const bell = document.getElementById("bell");
const badge = bell.querySelector("[data-slot=count]");
const name = bell.getAttribute("aria-label");
const wished = () => "Notification" in window && Notification.permission === "granted";
let events = null;

async function look() {
  const answer = await fetch("/api/v1/notices?limit=1", { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return null;
  const { unseen, items } = await answer.json();
  badge.hidden = !unseen;
  badge.textContent = unseen > 99 ? "99+" : unseen;
  bell.setAttribute("aria-label", unseen ? bell.dataset.new.replace("{count}", unseen) : name);
  return items[0] ?? null;
}

async function heard() {
  const newest = await look();
  if (!newest || !document.hidden || !wished()) return;
  const shown = new Notification(document.querySelector(".brand").textContent.trim(), { body: newest.said, tag: newest.id });
  shown.addEventListener("click", () => {
    focus();
    location.assign(newest.link);
  });
}

/** One stream a page: those that have one of their own pass on what it says. A hidden page keeps quiet unless it is to tell. */
function listen() {
  const wanted = !document.hidden || wished();
  if (wanted && !events) {
    events = new EventSource("/api/v1/events");
    events.addEventListener("notice", heard);
  } else if (!wanted && events) {
    events.close();
    events = null;
  }
}

document.addEventListener("notice", heard);
look();
addEventListener("load", () => {
  if ("live" in document.documentElement.dataset) return;
  listen();
  document.addEventListener("visibilitychange", () => {
    listen();
    if (!document.hidden) look();
  });
  addEventListener("pagehide", () => events?.close());
});
