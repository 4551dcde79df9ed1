// The lobby machine: the scan field keeps the focus, digits come on request, a ticket prints itself.
const form = document.querySelector("[data-keep-focus]");
if (form) {
  const input = form.querySelector("input[name=text]");
  const keys = form.querySelector("[data-keys]");
  document.addEventListener("pointerup", () => setTimeout(() => input.focus(), 0));
  form.querySelector("[data-show-keys]").addEventListener("click", () => { keys.hidden = !keys.hidden; });
  keys.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.digit) input.value += button.dataset.digit;
    else input.value = input.value.slice(0, -1);
  });
}
if (document.querySelector("[data-print]")) window.print();
