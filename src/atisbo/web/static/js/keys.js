// The keyboard: single keys, never while somebody is typing or a dialog is open.

const TYPING = "input:not([type=range], [type=checkbox]), textarea, select";
const PRESSES = "button, summary, input";

export function listenToKeys({ tray, stage, review, correction, intake }) {
  const actions = {
    ArrowDown: () => tray.walk(1),
    ArrowUp: () => tray.walk(-1),
    ArrowRight: () => tray.walk(1),
    ArrowLeft: () => tray.walk(-1),
    o: () => stage.toggle("overlay"),
    h: () => stage.heat.toggle(),
    "+": () => stage.viewport.zoomBy(1.4),
    "=": () => stage.viewport.zoomBy(1.4),
    "-": () => stage.viewport.zoomBy(1 / 1.4),
    0: () => stage.viewport.fit(),
    1: () => (stage.view = "overlay"),
    2: () => (stage.view = "side"),
    3: () => (stage.view = "compare"),
    y: () => review.judge("right"),
    n: () => review.judge("wrong"),
    u: () => review.judge("unknown"),
    e: () => correction.edit(),
    c: () => intake.markAgain(),
    "/": () => tray.focusFilter(),
    "?": () => document.getElementById("keys-dialog").showModal(),
  };

  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (key === "Escape" && target.id === "filter") {
      tray.clearFilter();
      return target.blur();
    }
    if (target.matches(TYPING)) return;
    if (key === " ") return hold(event);
    if (key.startsWith("Arrow") && target.matches("input")) return;
    const action = actions[key.length === 1 ? key.toLowerCase() : key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  document.addEventListener("keyup", ({ key }) => key === " " && (stage.bare = false));
  addEventListener("blur", () => (stage.bare = false));

  function hold(event) {
    if (event.target.matches(PRESSES)) return;
    event.preventDefault();
    stage.bare = true;
  }
}
