// Native dialogs: opened by data-opens, closed by data-closes or Esc; the focus goes back to where it came from.
import { all, onEach } from "./dom.js";

function open(dialog) {
  if (dialog.open) return;
  const before = document.activeElement;
  dialog.showModal();
  dialog.querySelector("[autofocus],.inside input:not([type=hidden]),.inside textarea,.inside select,.inside button")?.focus();
  dialog.addEventListener("close", () => before?.isConnected && before.focus(), { once: true });
}

onEach("dialog[data-open-now]", open);
document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-opens]");
  if (opener) {
    event.preventDefault();
    const dialog = document.querySelector(opener.dataset.opens);
    if (dialog) open(dialog);
  }
  event.target.closest?.("[data-closes]")?.closest("dialog")?.close();
});
document.body.addEventListener("dialog:close", () => all("dialog[open]").forEach((dialog) => dialog.close()));
