// A part of a page that is looked up again every few seconds, while somebody sees it and has nothing under their hands.

class Refreshing {
  #part;

  constructor(part) {
    this.#part = part;
    setInterval(() => this.#look(), Number(part.dataset.refresh) * 1000);
  }

  async #look() {
    if (document.hidden || this.#part.contains(document.activeElement)) return;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-refresh]");
    if (fresh && !this.#part.contains(document.activeElement)) this.#part.replaceChildren(...fresh.childNodes);
  }
}

for (const part of document.querySelectorAll("[data-refresh]")) new Refreshing(part);
