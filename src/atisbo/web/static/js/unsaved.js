// What would be lost if the page were left: a drawing, files on their way. Whoever holds such a thing says so here.

const holders = new Set();

/** ``holds`` tells at any time whether there is something to lose. */
export const keep = (holds) => holders.add(holds);
export const unsaved = () => [...holders].some((holds) => holds());

addEventListener("beforeunload", (event) => unsaved() && event.preventDefault());
