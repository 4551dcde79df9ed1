// Native dialogs: opened by data-opens, closed by data-closes or Esc; the focus goes back to where it came from.
import { all, onEach } from "./dom.js";

function open(dialog) {
  if (dialog.open) return;
  const before = document.activeElement;
  dialog.showModal();
  const first = ".inside input:not([type=hidden]),.inside textarea,.inside select,.inside button";
  (dialog.querySelector("[autofocus]") ?? dialog.querySelector("[aria-invalid=true]") ?? dialog.querySelector(first))?.focus();
  dialog.addEventListener("close", () => before?.isConnected && before.focus(), { once: true });
  // What happened behind it can't be undone by closing: the page is drawn anew.
  if (dialog.hasAttribute("data-reload")) dialog.addEventListener("close", () => location.reload(), { once: true });
}

onEach("dialog[data-open-now]", open);
document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-opens]");
  if (opener) {
    event.preventDefault();
    const dialog = document.querySelector(opener.dataset.opens);
    if (dialog) open(dialog);
  }
  const field = event.target.closest?.("dialog a[href^='#']");
  if (field) {
    // A refusal in a dialog names a field of the page behind it.
    event.preventDefault();
    const target = document.getElementById(field.hash.slice(1)) ?? document.getElementById(decodeURIComponent(field.hash.slice(1)));
    const dialog = field.closest("dialog");
    const go = () => {
      target?.scrollIntoView({ block: "center" });
      (target?.matches("input,textarea,select,button") ? target : target?.querySelector("input:not([type=hidden]),textarea,select,button") ?? target)?.focus();
    };
    if (dialog.contains(target)) go();
    else { dialog.addEventListener("close", go, { once: true }); dialog.close(); }
  }
  event.target.closest?.("[data-closes]")?.closest("dialog")?.close();
});
document.body.addEventListener("dialog:close", () => all("dialog[open]").forEach((dialog) => dialog.close()));
