// Notices in the browser itself are a wish, asked for here and nowhere else.

const button = document.getElementById("tell-browser");
const said = document.getElementById("browser-tells");

function show() {
  const { permission } = Notification;
  button.hidden = permission !== "default";
  said.hidden = permission === "default";
  said.textContent = said.dataset[permission] ?? "";
}

if ("Notification" in window && isSecureContext) {
  show();
  button.addEventListener("click", async () => {
    await Notification.requestPermission();
    show();
  });
}
