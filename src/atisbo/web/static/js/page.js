// What every page can do beyond plain HTML; all of it is optional.

for (const toggle of document.querySelectorAll("[data-reveal]")) {
  const input = document.getElementById(toggle.dataset.reveal);
  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    toggle.setAttribute("aria-pressed", String(shown));
    input.focus();
  });
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const input = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    input.select();
    if (navigator.clipboard) await navigator.clipboard.writeText(input.value);
    else document.execCommand("copy");
    button.querySelector("span").textContent = button.dataset.done;
  });
}

function outside(element, { clientX, clientY }) {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return clientX < left || clientX > right || clientY < top || clientY > bottom;
}

document.addEventListener("click", (event) => {
  const { target } = event;
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(target)) menu.open = false;
  const opener = target.closest("[data-open]");
  if (opener) document.getElementById(opener.dataset.open).showModal();
  const onBackdrop = target.matches("dialog[open]") && outside(target, event);
  if (target.closest("[data-close]") || onBackdrop) target.closest("dialog").close();
});

document.addEventListener("keydown", ({ key }) => {
  const menu = document.querySelector("details.menu[open]");
  if (key !== "Escape" || !menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// The workbench moves on from the address that its page was made for.
for (const form of document.querySelectorAll("body.bench-page form:is([action='/language'], [action='/appearance'])")) {
  form.addEventListener("formdata", ({ formData }) => formData.set("next", location.pathname));
}

// What is wider than its place can be moved by the arrow keys, too.
const places = new ResizeObserver((entries) => {
  for (const { target } of entries)
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
});
for (const place of document.querySelectorAll(".scroll, .scroll-x, pre")) places.observe(place);

const clock = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
for (const time of document.querySelectorAll("time[datetime]")) time.textContent = clock.format(new Date(time.dateTime));
