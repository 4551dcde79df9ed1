// Pushed changes: one stream a page (kernel.live). On every `touch` and on every (re)connect the page is told to load its parts
// again, so that nothing sent while the line was down is missed. `alive` comes every 2 s: silence means the line is dead.
// Fires on body: `live` (detail: the ids, or {why}), `live:own` (those that may concern what the page is about), `live:lost`, `live:back`.
import { all, onEach } from "./dom.js";

const SETTLE_MS = 600;
const LONGEST_MS = 10_000, SILENCE_MS = 5_000, HIDDEN_MS = 20_000;

function show(lost) {
  for (const sign of all("[data-live-state]")) sign.classList.toggle("lost", lost);
  for (const bar of all("[data-live-bar]")) bar.hidden = !lost;
  document.body.classList.toggle("offline", lost);
}

function tell(kind, detail = {}) {
  document.body.dispatchEvent(new CustomEvent(kind, { detail, bubbles: true }));
}

onEach("[data-live]", (element) => {
  let wait = 1000, source, silence, lost = false, left = false;
  const settle = {}, { ownKey, own } = element.dataset;
  const foreign = (detail) => own && ownKey in detail && detail[ownKey] !== own;
  const everybody = (detail) => { tell("live", detail); tell("live:own", detail); };

  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(fail, SILENCE_MS);
    if (!lost) return;
    lost = false;
    show(false);
    tell("live:back");
  };
  const fail = () => {
    clearTimeout(silence);
    source.close();
    if (left || !element.isConnected) return;
    show(true);
    if (!lost) { lost = true; tell("live:lost"); }
    setTimeout(connect, wait);
    wait = Math.min(LONGEST_MS, wait * 2);
  };
  const connect = () => {
    if (left) return;
    source = new EventSource(element.dataset.live);
    silence = setTimeout(fail, SILENCE_MS);
    source.addEventListener("reload", () => {
      wait = 1000;
      heard();
      everybody({ why: "reload" });  // The first one too: something may have happened since the page was made.
    });
    source.addEventListener("alive", heard);
    source.addEventListener("touch", (event) => {
      heard();
      const detail = { ...JSON.parse(event.data), why: "touch" };
      for (const kind of foreign(detail) ? ["live"] : ["live", "live:own"]) {
        tell(kind, detail);
        // Once more after a burst: a part that replaces itself while it loads does not hear what comes meanwhile.
        clearTimeout(settle[kind]);
        settle[kind] = setTimeout(() => tell(kind, detail), SETTLE_MS);
      }
    });
    source.onerror = fail;
  };
  connect();
  // A browser allows six connections to one server: a tab nobody looks at gives its own back, and loads anew when looked at.
  let hidden;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    if (document.hidden) hidden = setTimeout(() => { left = true; clearTimeout(silence); source.close(); }, HIDDEN_MS);
    else if (left) { left = false; connect(); }
  });
  window.addEventListener("pagehide", () => { left = true; clearTimeout(silence); source.close(); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) { left = false; connect(); everybody({ why: "restored" }); } });
});

window.addEventListener("offline", () => show(true));
window.addEventListener("online", () => { if (!document.querySelector("[data-live]")) show(false); });
