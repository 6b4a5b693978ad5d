// My images: ask in place before deleting; without this script the bin leads to a page that asks.

const dialog = document.getElementById("delete-dialog");

for (const form of document.querySelectorAll("form[data-delete]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    dialog.querySelector("[data-slot=name]").textContent = form.dataset.delete;
    dialog.querySelector("form").action = form.action;
    dialog.showModal();
  });
}
