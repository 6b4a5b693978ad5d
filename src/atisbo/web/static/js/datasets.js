// Making a dataset: the count follows the filters; another application brings its own form.

const form = document.querySelector("form[data-count]");
const slot = form.querySelector("[data-slot=count]");
let asked;

async function count() {
  asked?.abort();
  asked = new AbortController();
  const { signal } = asked;
  const said = new URLSearchParams(new FormData(form));
  for (const name of ["csrf_token", "name", "purpose", "group_by"]) said.delete(name);
  slot.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(`${form.dataset.count}?${said}`, { signal, headers: { Accept: "text/html" } });
    if (answer.ok) slot.innerHTML = await answer.text();
    slot.removeAttribute("aria-busy");
  } catch (error) {
    if (error.name !== "AbortError") slot.removeAttribute("aria-busy");
  }
}

form.addEventListener("change", ({ target }) => {
  if (target.dataset.switch) location.href = `${target.dataset.switch}?application=${target.value}`;
  else if (!["name", "purpose", "group_by"].includes(target.name)) count();
});
