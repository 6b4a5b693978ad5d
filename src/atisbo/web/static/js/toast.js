// A line at the foot of the page that says what has just happened, with one thing to do about it.

const PATIENCE_MS = 20_000;

/** Stays while it has the pointer or the focus; Escape sends it away. ``act`` may fail: what it says is shown. */
export function toast(text, label, act) {
  const box = document.getElementById("toast");
  const button = box.querySelector("button");
  const leave = () => box.hidePopover();
  let timer;
  const wait = () => (timer = setTimeout(() => (box.matches(":hover, :focus-within") ? wait() : leave()), PATIENCE_MS));
  clearTimeout(Number(box.dataset.timer));
  box.querySelector("[role=status]").textContent = text;
  button.querySelector("span").textContent = label;
  button.onclick = async () => {
    button.disabled = true;
    try {
      await act();
      leave();
    } catch (refusal) {
      box.querySelector("[role=status]").textContent = refusal.message;
    }
    button.disabled = false;
  };
  box.showPopover();
  wait();
  box.dataset.timer = timer;
}
