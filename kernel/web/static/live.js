// Pushed changes: one stream a page. On every event and on every (re)connect the page is told to reload its parts,
// so that nothing sent while the line was down is missed. Fires `live` and `live:lost` on body.
import { all, onEach } from "./dom.js";

const LONGEST_MS = 10_000;

function show(lost) {
  for (const sign of all("[data-live-state]")) sign.classList.toggle("lost", lost);
  for (const bar of all("[data-live-bar]")) bar.hidden = !lost;
  document.body.classList.toggle("offline", lost);
}

function tell(kind, detail) {
  document.body.dispatchEvent(new CustomEvent(kind, { detail, bubbles: true }));
}

onEach("[data-live]", (element) => {
  let wait = 1000, first = true, source, lost = false;
  const connect = () => {
    source = new EventSource(element.dataset.live);
    source.onopen = () => {
      wait = 1000;
      if (!first) tell("live", { why: "reconnected" });
      first = false;
      lost = false;
      show(false);
    };
    source.onmessage = (event) => {
      let data = event.data;
      try { data = JSON.parse(data); } catch { /* plain text is fine */ }
      tell("live", data);
    };
    source.onerror = () => {
      show(true);
      if (!lost) { lost = true; tell("live:lost", {}); }
      source.close();
      if (!element.isConnected) return;
      setTimeout(connect, wait);
      wait = Math.min(LONGEST_MS, wait * 2);
    };
  };
  connect();
  window.addEventListener("pagehide", () => source.close());
  window.addEventListener("pageshow", (event) => { if (event.persisted) { connect(); tell("live", { why: "restored" }); } });
});

window.addEventListener("offline", () => show(true));
window.addEventListener("online", () => { if (!document.querySelector("[data-live]")) show(false); });
