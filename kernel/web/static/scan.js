// A scanner types fast. With a prefix (body data-scan-prefix) its text is caught wherever the focus is;
// without one only the scan field takes scans.
import { onEach } from "./dom.js";

const prefix = document.body.dataset.scanPrefix ?? "";
let caught = null;
let last = 0;

document.addEventListener("keydown", (event) => {
  if (!prefix) return;
  const now = performance.now();
  if (caught !== null && now - last > 300) caught = null;
  last = now;
  if (caught === null) {
    if (event.key === prefix) { caught = ""; event.preventDefault(); event.stopImmediatePropagation(); }
    return;
  }
  event.preventDefault();
  event.stopImmediatePropagation();
  if (event.key === "Enter") {
    const form = document.querySelector("[data-scan]");
    const input = form?.querySelector("input[name=text]");
    if (input) { input.value = caught; form.requestSubmit(); }
    caught = null;
  } else if (event.key.length === 1) caught += event.key;
}, true);

onEach("form[data-scan]", (form) => {
  const input = form.querySelector("input[name=text]");
  form.addEventListener("submit", (event) => {
    if (!input.value.trim()) { event.preventDefault(); return; }
    if (form.dataset.busy) event.preventDefault();
    form.dataset.busy = "1";
    setTimeout(() => delete form.dataset.busy, 1500);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { input.value = ""; input.blur(); }
  });
});
