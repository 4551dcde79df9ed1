// Money is grouped while it is typed; a day is completed when it is left: 2111 → 21/11/this year, 211188 → 21/11/1988.
import { onEach } from "./dom.js";

export const grouped = (text) => text.replace(/\D/g, "").replace(/^0+(?=\d)/, "").replace(/\B(?=(\d{3})+$)/g, ".");

export function fullDay(text, today = new Date()) {
  const digits = text.replace(/\D/g, "");
  let [day, month, year] = text.split(/\D+/).filter(Boolean);
  if (/^\d+$/.test(text.trim())) [day, month, year] = [digits.slice(0, 2), digits.slice(2, 4), digits.slice(4)];
  if (!day || !month) return text;
  year = year ? (year.length === 2 ? (Number(year) > today.getFullYear() % 100 + 10 ? "19" : "20") + year : year) : String(today.getFullYear());
  return `${day.padStart(2, "0")}/${month.padStart(2, "0")}/${year}`;
}

onEach("[data-money]", (input) => {
  const group = () => {
    if (/[^\d.\s]/.test(input.value)) return; // "50.000,5" is no amount: the server refuses it, we never make another of it.
    const behind = input.value.length - (input.selectionEnd ?? input.value.length);
    const text = grouped(input.value);
    if (text === input.value) return;
    input.value = text;
    const at = Math.max(0, text.length - behind);
    if (document.activeElement === input) input.setSelectionRange(at, at);
  };
  input.addEventListener("input", group);
  input.addEventListener("focus", () => input.select());
  group();
});

// What to give back of the cash handed over; less than asked for is said, not counted.
onEach("[data-change-from]", (output) => {
  const asked = Number(output.dataset.changeFrom);
  const handed = document.getElementById(output.htmlFor.toString());
  const tell = () => {
    const digits = handed.value.replace(/\D/g, "");
    const change = digits ? Number(digits) - asked : 0;
    output.textContent = change < 0 ? `còn thiếu ${grouped(String(-change))} ₫` : `${grouped(String(change))} ₫`;
  };
  handed.addEventListener("input", tell);
  tell();
});

onEach("[data-day]", (input) => {
  // On change, not on leaving: a draft that saves itself at the change must send the whole day.
  input.addEventListener("change", () => { if (input.value.trim()) input.value = fullDay(input.value); });
});
