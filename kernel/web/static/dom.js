// Small things several modules need.
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];
export const isTyping = (element) => !!element?.closest("input:not([type=checkbox],[type=radio]),textarea,select,[contenteditable]");
export const csrf = () => JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["x-csrf-token"] ?? "";

// Runs at start for every match, and again for what htmx brings in later.
export function onEach(selector, start) {
  const seen = new WeakSet();
  const sweep = (root) => {
    for (const element of [...(root.matches?.(selector) ? [root] : []), ...all(selector, root)]) {
      if (!seen.has(element)) { seen.add(element); start(element); }
    }
  };
  sweep(document.body);
  document.body.addEventListener("htmx:load", (event) => sweep(event.detail.elt));
  document.addEventListener("lanh:added", (event) => sweep(event.target));
}
