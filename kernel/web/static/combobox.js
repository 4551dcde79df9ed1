// A text field with suggestions from the server (ICD-10, services, drugs): type, arrows, Enter. Options are HTML fragments.
import { all, onEach } from "./dom.js";

const WAIT_MS = 70;

onEach("[data-combobox]", (box) => {
  const input = box.querySelector("[role=combobox]");
  const hidden = box.querySelector("input[type=hidden]");
  const list = box.querySelector("[role=listbox]");
  const kept = new Map();
  let timer, request, at = -1;

  const options = () => all("[role=option]:not([aria-disabled=true])", list);
  const close = () => { list.hidden = true; at = -1; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); };
  const mark = (index) => {
    const found = options();
    at = found.length ? (index + found.length) % found.length : -1;
    found.forEach((option, i) => {
      option.id ||= `${list.id}-${i}`;
      option.setAttribute("aria-selected", String(i === at));
    });
    if (at < 0) { input.removeAttribute("aria-activedescendant"); return; }
    found[at].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", found[at].id);
  };
  const show = (html) => {
    list.innerHTML = html;
    list.hidden = !html.trim();
    input.setAttribute("aria-expanded", String(!list.hidden));
    const room = (box.closest("main,dialog") ?? document.body).getBoundingClientRect().bottom - input.getBoundingClientRect().bottom;
    list.classList.toggle("above", room < 300 && input.getBoundingClientRect().top > 320);
    mark(0);
  };
  const ask = async () => {
    const text = input.value.trim();
    if (!text) { close(); return; }
    if (kept.has(text)) { show(kept.get(text)); return; }
    request?.abort();
    request = new AbortController();
    const url = new URL(box.dataset.combobox, location.href);
    url.searchParams.set("q", text);
    try {
      const answer = await fetch(url, { signal: request.signal, headers: { "hx-request": "true" } });
      if (!answer.ok) return;
      const html = await answer.text();
      kept.set(text, html);
      if (kept.size > 60) kept.delete(kept.keys().next().value);
      if (document.activeElement === input && input.value.trim() === text) show(html);
    } catch (error) {
      if (error.name !== "AbortError") close();
    }
  };
  const choose = (option) => {
    if (!option) return;
    hidden.value = option.dataset.value;
    input.value = option.dataset.label;
    close();
    hidden.dispatchEvent(new Event("change", { bubbles: true }));
    box.dispatchEvent(new CustomEvent("chosen", { bubbles: true, detail: { ...option.dataset } }));
    if (box.hasAttribute("data-submit")) input.form?.requestSubmit();
  };

  input.addEventListener("input", () => {
    hidden.value = "";
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) ask(); else mark(at + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && !event.ctrlKey && !list.hidden && at >= 0) {
      event.preventDefault();
      choose(options()[at]);
    } else if (event.key === "Enter" && !event.ctrlKey) {
      event.preventDefault();
      clearTimeout(timer);
      ask();
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  });
  input.addEventListener("blur", () => setTimeout(close, 150));
  list.addEventListener("mousedown", (event) => { event.preventDefault(); choose(event.target.closest("[role=option]:not([aria-disabled=true])")); });
});
