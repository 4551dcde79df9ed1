// Rows of a form that are picked from a combobox: diagnoses, drugs.
// <div data-rows-of="dx"> holds rows [data-item]; <template data-row-for="dx"> is the pattern with __n__ for the number and
// data-fill="name" on inputs (value) or elements (text). The combobox names its rows by data-adds="dx".
import { all, onEach } from "./dom.js";
import { toast } from "./toast.js";

const host = (key) => document.querySelector(`[data-rows-of="${key}"]`);

function told(element) {
  element.dispatchEvent(new Event("input", { bubbles: true }));
  element.dispatchEvent(new Event("change", { bubbles: true }));
}

function renumber(place) {
  all("[data-item]", place).forEach((row, index) => {
    for (const mark of all("[data-first]", row)) mark.hidden = index !== 0;
    for (const mark of all("[data-other]", row)) mark.hidden = index === 0;
  });
  place.closest("[data-rows-box]")?.classList.toggle("no-rows", !place.querySelector("[data-item]"));
}

document.addEventListener("chosen", (event) => {
  const key = event.target.dataset.adds;
  const place = key && host(key);
  if (!place) return;
  const n = Number(place.dataset.next ?? place.children.length);
  place.dataset.next = n + 1;
  const box = document.createElement("div");
  box.innerHTML = document.querySelector(`template[data-row-for="${key}"]`).innerHTML.replaceAll("__n__", n);
  const row = box.firstElementChild;
  for (const part of all("[data-fill]", row)) {
    const value = event.detail[part.dataset.fill] ?? "";
    if ("value" in part) part.value = value; else part.textContent = value;
  }
  place.append(row);
  renumber(place);
  const input = event.target.querySelector("[role=combobox]");
  input.value = "";
  (row.querySelector("input:not([type=hidden]),select") ?? input).focus();
  told(row.querySelector("input") ?? place);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-drop],[data-raise]");
  const row = button?.closest("[data-item]");
  if (!row) return;
  const place = row.parentElement;
  const settle = () => {
    // The order on the page is the order sent: names carry it.
    all("[data-item]", place).forEach((item, index) => {
      for (const input of all("[name]", item)) input.name = input.name.replace(/\.\d+\./, `.${index}.`);
    });
    place.dataset.next = place.children.length;
    renumber(place);
    place.closest("form")?.dispatchEvent(new Event("change", { bubbles: true }));
  };
  if (button.hasAttribute("data-drop")) {
    const after = row.nextElementSibling;
    const name = row.querySelector("[data-fill=name],[data-fill=ten]")?.textContent ?? "";
    row.remove();
    toast({ text: `Đã bỏ ${name}`.trim(), onUndo: () => { place.insertBefore(row, after?.isConnected ? after : null); settle(); } });
  } else place.prepend(row);
  settle();
});

// Quantity = amount at a time × times a day × days, until the doctor types another.
document.addEventListener("input", (event) => {
  const row = event.target.closest?.("[data-item][data-dose]");
  if (!row) return;
  const quantity = row.querySelector("[data-quantity]");
  if (event.target === quantity) { quantity.dataset.typed = "1"; return; }
  if (quantity.dataset.typed) return;
  const number = (name) => parseFloat((row.querySelector(`[data-part=${name}]`)?.value ?? "").replace(",", "."));
  const total = number("dose") * number("times") * number("days");
  if (Number.isFinite(total) && total > 0) quantity.value = String(Math.ceil(total * 100) / 100).replace(".", ",");
});

onEach("[data-rows-of]", renumber);
