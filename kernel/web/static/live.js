// Pushed changes: one stream a page. On every event and on every (re)connect the page is told to reload its parts,
// so that nothing sent while the line was down is missed. Fires `live` and `live:lost` on body.
import { all, onEach } from "./dom.js";

const LONGEST_MS = 10_000, SILENT_MS = 5_000;

function show(lost) {
  for (const sign of all("[data-live-state]")) sign.classList.toggle("lost", lost);
  for (const bar of all("[data-live-bar]")) bar.hidden = !lost;
  document.body.classList.toggle("offline", lost);
}

function tell(kind, detail) {
  document.body.dispatchEvent(new CustomEvent(kind, { detail, bubbles: true }));
}

onEach("[data-live]", (element) => {
  let wait = 1000, source, lost = false, heard = 0;
  const sound = () => { heard = Date.now(); };
  const news = (event) => {
    sound();
    let data = event.data;
    try { data = JSON.parse(data); } catch { /* plain text is fine */ }
    tell("live", { ...data, why: event.type });
  };
  const lose = () => {
    show(true);
    if (!lost) { lost = true; tell("live:lost", {}); }
    source.close();
    if (!element.isConnected) return;
    setTimeout(connect, wait);
    wait = Math.min(LONGEST_MS, wait * 2);
  };
  const connect = () => {
    source = new EventSource(element.dataset.live);
    sound();
    source.onopen = () => {
      sound();
      wait = 1000;
      lost = false;
      show(false);
    };
    // The server says `reload` at every (re)connect and when news may be lost, `touch` with ids, `alive` every 2 s.
    for (const kind of ["reload", "touch"]) source.addEventListener(kind, news);
    source.addEventListener("alive", sound);
    source.onerror = lose;
  };
  connect();
  // A cut cable raises no error for minutes: silence does.
  setInterval(() => {
    if (source.readyState === EventSource.OPEN && Date.now() - heard > SILENT_MS) lose();
  }, 1000);
  window.addEventListener("pagehide", () => source.close());
  window.addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
});

window.addEventListener("offline", () => show(true));
window.addEventListener("online", () => { if (!document.querySelector("[data-live]")) show(false); });
