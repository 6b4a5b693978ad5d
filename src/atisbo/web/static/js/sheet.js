// On a phone the findings are a sheet at the lower edge: tap or drag the handle to open it.

export function listenToSheet() {
  const sheet = document.getElementById("findings");
  const handle = document.getElementById("sheet-handle");
  let from = null;

  function set(open) {
    sheet.dataset.sheet = open ? "open" : "peek";
    handle.setAttribute("aria-expanded", String(open));
  }

  handle.addEventListener("click", () => set(sheet.dataset.sheet === "peek"));
  handle.addEventListener("pointerdown", ({ clientY }) => (from = clientY));
  handle.addEventListener("pointermove", ({ clientY, buttons }) => {
    if (from === null || !buttons || Math.abs(clientY - from) < 24) return;
    set(clientY < from);
    from = null;
    handle.addEventListener("click", (event) => event.stopImmediatePropagation(), { once: true, capture: true });
  });
  document.addEventListener("keydown", ({ key }) => key === "Escape" && set(false));
}
