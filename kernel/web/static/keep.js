// A part that news draws anew keeps what a person did in it: text and ticks not sent yet, open details, the focus, how far it was
// scrolled. While a dialog in it is open it waits, and loads when the dialog closes.
import { all } from "./dom.js";

const NEWS = ["live", "live:own"];
const LIVE = NEWS.map((kind) => `[hx-trigger*="${kind} from:body"]`).join();
const touched = new WeakSet();
let kept = null;

for (const kind of ["input", "change"]) document.addEventListener(kind, (event) => touched.add(event.target), true);

const formOf = (element) => element.closest("form")?.getAttribute("action") ?? "";
const isTick = (element) => element.type === "checkbox" || element.type === "radio";
const keyOf = (element) => [
  element.tagName,
  element.id || [formOf(element), element.getAttribute("name") ?? element.getAttribute("href") ?? element.textContent.trim(), isTick(element) ? element.value : ""].join("|"),
].join("#");
const find = (root, key) => all("input,textarea,select,button,a,summary", root).find((element) => keyOf(element) === key);
const places = (root, selector) => all(selector, root).map((element, at, same) => [element, `${element.className}:${same.slice(0, at).filter((one) => one.className === element.className).length}`]);

function remember(root) {
  const written = all("input,textarea,select", root).filter((element) => touched.has(element) || element.closest("[data-combobox]"));
  const focus = root.contains(document.activeElement) ? document.activeElement : null;
  return {
    root,
    fields: written.map((element) => [keyOf(element), isTick(element) ? element.checked : element.value]),
    open: places(root, "details").filter(([element]) => element.open).map(([, place]) => place),
    scrolled: places(root, "*").filter(([element]) => element.scrollTop > 0).map(([element, place]) => [place, element.scrollTop]),
    focus: focus && keyOf(focus),
    caret: focus?.matches("input[type=text],input[type=search],input:not([type]),textarea") ? [focus.selectionStart, focus.selectionEnd] : null,
  };
}

function restore(root, was) {
  for (const [key, value] of was.fields) {
    const element = find(root, key);
    if (!element) continue;
    if (isTick(element)) element.checked = value; else element.value = value;
    touched.add(element);
  }
  for (const [element, place] of places(root, "details")) if (was.open.includes(place)) element.open = true;
  for (const [element, place] of places(root, "*")) {
    const top = was.scrolled.find(([name]) => name === place)?.[1];
    if (top) element.scrollTop = top;
  }
  if (!was.focus || root.contains(document.activeElement)) return;
  const target = find(root, was.focus);
  target?.focus({ preventScroll: true });
  if (target && was.caret) target.setSelectionRange(...was.caret);
  if (target?.matches("[role=combobox]") && target.value) target.dispatchEvent(new Event("input", { bubbles: true }));  // Its list again.
}

document.body.addEventListener("htmx:beforeSwap", (event) => {
  const root = event.detail.target;
  const news = event.detail.requestConfig?.triggeringEvent?.type;
  if (!NEWS.includes(news) || !root?.matches?.(LIVE) || !event.detail.shouldSwap) return;
  const dialog = root.querySelector("dialog[open]");
  if (dialog) {
    event.detail.shouldSwap = false;
    if (dialog.dataset.waits) return;
    dialog.dataset.waits = "1";
    dialog.addEventListener("close", () => {
      delete dialog.dataset.waits;
      document.body.dispatchEvent(new CustomEvent(news, { detail: { why: "waited" }, bubbles: true }));
    }, { once: true });
    return;
  }
  kept = remember(root);
});
document.body.addEventListener("htmx:afterSwap", () => {
  if (!kept) return;
  const was = kept, root = was.root.isConnected ? was.root : document.getElementById(was.root.id);
  kept = null;
  if (root) restore(root, was);
});
