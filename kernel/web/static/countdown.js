// A clock that runs down by the server's time: data-countdown (end), data-now (when the page was made), data-total seconds.
import { onEach } from "./dom.js";

onEach("[data-countdown]", (element) => {
  const skew = Date.parse(element.dataset.now) - Date.now();
  const end = Date.parse(element.dataset.countdown);
  const bar = element.querySelector("progress");
  const left = element.querySelector("[data-left]");
  const draw = () => {
    if (!element.isConnected) { clearInterval(timer); return; }
    const seconds = Math.max(0, Math.round((end - Date.now() - skew) / 1000));
    if (left) left.textContent = `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
    if (bar) bar.value = seconds;
    if (!seconds) { clearInterval(timer); element.dispatchEvent(new CustomEvent("countdown:done", { bubbles: true })); }
  };
  const timer = setInterval(draw, 1000);
  draw();
});

onEach("[data-clock]", (element) => {
  const draw = () => { element.textContent = new Intl.DateTimeFormat("vi", { hour: "2-digit", minute: "2-digit", timeZone: "Asia/Ho_Chi_Minh" }).format(new Date()); };
  setInterval(draw, 5000);
  draw();
});
