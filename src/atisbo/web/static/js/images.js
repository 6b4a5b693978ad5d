// My images: ask in place before deleting, and filter as soon as something is chosen; both work without this script.

const dialog = document.getElementById("delete-dialog");

for (const form of document.querySelectorAll("form[data-delete]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    dialog.querySelector("[data-slot=name]").textContent = form.dataset.delete;
    dialog.querySelector("form").action = form.action;
    dialog.showModal();
  });
}

for (const form of document.querySelectorAll("form[data-sieve]")) {
  form.addEventListener("change", () => form.requestSubmit());
}
