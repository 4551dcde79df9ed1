// Hands stay on the keyboard: `/` search, Alt+1…9 sections, arrows in lists, keys named by data-key, Esc back.
import { all, isTyping, onEach } from "./dom.js";

const visible = (element) => element.offsetParent !== null || element.getClientRects().length > 0;
const top = () => all("dialog[open]").pop() ?? document;

function name(event) {
  const parts = [event.ctrlKey || event.metaKey ? "Ctrl" : "", event.altKey ? "Alt" : "", event.shiftKey ? "Shift" : ""];
  const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  return [...parts.filter(Boolean), key].join("+");
}

function goToSection(n) {
  const section = all(`[data-section="${n}"]`, top()).find(visible);
  if (!section) return false;
  section.scrollIntoView({ block: "nearest" });
  const target = all("input:not([type=hidden]),textarea,select,button,a[href]", section).find((e) => visible(e) && !e.disabled);
  (target ?? section).focus();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  const pressed = name(event);
  if (/^Alt\+[1-9]$/.test(pressed)) {
    if (goToSection(pressed.at(-1))) event.preventDefault();
    return;
  }
  const target = all("[data-key]", top()).find((e) => e.dataset.key === pressed && visible(e) && !e.disabled);
  if (target) {
    event.preventDefault();
    target.focus({ preventScroll: true });
    target.click();
    return;
  }
  if (pressed === "/" && !isTyping(document.activeElement)) {
    const search = document.querySelector("[data-scan] input[name=text]");
    if (search) { event.preventDefault(); search.focus(); search.select(); }
  }
  if (pressed === "Ctrl+S") event.preventDefault();
  if (pressed === "ArrowDown" && document.activeElement === document.body) {
    const first = all("[data-row]").find(visible);
    if (first) { event.preventDefault(); first.focus(); }
  }
});

// Rows: up and down walk, Home and End jump, Enter and a click open.
document.addEventListener("keydown", (event) => {
  const row = event.target.closest?.("[data-row]");
  if (!row || event.defaultPrevented || (event.target !== row && isTyping(event.target))) return;
  const rows = all("[data-row]", row.closest("[data-rows],.list,table,ul") ?? document).filter(visible);
  const at = rows.indexOf(row);
  const next = { ArrowDown: rows[at + 1], ArrowUp: rows[at - 1], Home: rows[0], End: rows.at(-1) }[event.key];
  if (next) { event.preventDefault(); next.focus(); }
  if (event.key === "Enter" && event.target === row && row.dataset.href) { event.preventDefault(); location.assign(row.dataset.href); }
});
document.addEventListener("click", (event) => {
  const row = event.target.closest?.("tr[data-href]");
  if (row && !event.target.closest("a,button,input,label,select")) location.assign(row.dataset.href);
});
onEach("table[data-rows] tr[data-row]", (row) => { if (!row.previousElementSibling) row.tabIndex = 0; });

// Tabs and other rows of links: left and right.
document.addEventListener("keydown", (event) => {
  const group = event.target.closest?.("[data-arrows]");
  if (!group || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  const items = all("a,button", group);
  const next = items[items.indexOf(event.target) + (event.key === "ArrowRight" ? 1 : -1)];
  if (next) { event.preventDefault(); next.focus(); }
});

// Enter on a tick presses no button: the browser would choose the form's first, and at the till that one takes cash.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches?.("input[type=checkbox],input[type=radio]") && !event.ctrlKey) event.preventDefault();
});

// A refused form: its summary takes the focus, so that it is read first.
onEach("[data-error-summary]", (summary) => summary.focus());

// A dangerous one-button form asks once.
document.addEventListener("submit", (event) => {
  const question = event.target.dataset?.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// The menu of a person closes when the work goes on elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of all("details.who[open]")) if (!menu.contains(event.target)) menu.open = false;
});
