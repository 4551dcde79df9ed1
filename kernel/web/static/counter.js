// The second screen: the server draws its face and pushes it. The code leaves the screen 5 s after the line is lost:
// what nobody can confirm, nobody should pay.
const BLANK_MS = 5_000, LONGEST_MS = 5_000;
const face = document.getElementById("face");
const pairing = document.querySelector("[data-pairing]");

let timers = [];

function clock(element, draw, every) {
  draw();
  timers.push(setInterval(() => element.isConnected && draw(), every));
}

function chime() {
  try {
    const audio = new AudioContext();
    [[659, 0], [880, 0.16]].forEach(([pitch, at]) => {
      const tone = audio.createOscillator(), level = audio.createGain();
      tone.frequency.value = pitch;
      level.gain.setValueAtTime(0.0001, audio.currentTime + at);
      level.gain.exponentialRampToValueAtTime(0.2, audio.currentTime + at + 0.02);
      level.gain.exponentialRampToValueAtTime(0.0001, audio.currentTime + at + 0.5);
      tone.connect(level).connect(audio.destination);
      tone.start(audio.currentTime + at);
      tone.stop(audio.currentTime + at + 0.55);
    });
  } catch { /* A screen without sound still shows it. */ }
}

async function ask() {
  try {
    const answer = await fetch(`${face.dataset.counter}/state`, { headers: { accept: "text/html" } });
    if (answer.ok) show(await answer.text());
    else if (answer.status === 403) location.reload();
  } catch { /* The line is dead: the blank face comes by itself. */ }
}

function start() {
  timers.forEach((timer) => { clearInterval(timer); clearTimeout(timer); });
  timers = [];
  const now = face.querySelector("[data-face]");
  const again = Number(now?.dataset.again);
  if (again) timers.push(setTimeout(ask, again * 1000));
  const left = face.querySelector("[data-until]");
  if (left) {
    const skew = Date.parse(left.dataset.now) - Date.now(), end = Date.parse(left.dataset.until);
    const words = left.querySelector("b"), bar = left.querySelector("progress");
    clock(left, () => {
      const seconds = Math.max(0, Math.round((end - Date.now() - skew) / 1000));
      words.textContent = `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
      bar.value = seconds;
    }, 1000);
  }
  const wall = face.querySelector("[data-clock]");
  if (wall) clock(wall, () => { wall.textContent = new Intl.DateTimeFormat("vi", { hour: "2-digit", minute: "2-digit", timeZone: "Asia/Ho_Chi_Minh" }).format(new Date()); }, 5000);
}

function show(html) {
  const before = face.querySelector("[data-face]")?.dataset.face;
  face.innerHTML = html;
  start();
  if (face.querySelector("[data-face]")?.dataset.face === "paid" && before !== "paid") chime();
}

function listen() {
  let wait = 500, source, silence, retry, dark = false;
  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(() => { dark = true; face.replaceChildren(document.getElementById("lost").content.cloneNode(true)); again(); }, BLANK_MS);
    if (dark) { dark = false; ask(); }
  };
  const again = () => { source.close(); clearTimeout(retry); retry = setTimeout(connect, wait); wait = Math.min(LONGEST_MS, wait * 2); };
  const connect = () => {
    source = new EventSource(`${face.dataset.counter}/live`);
    source.addEventListener("alive", () => { wait = 500; heard(); });
    source.addEventListener("face", (event) => { wait = 500; dark = false; heard(); show(JSON.parse(event.data).html); });
    source.addEventListener("unpaired", () => location.reload());
    source.onerror = again;
  };
  heard();
  connect();
}

if (face) { start(); listen(); }
if (pairing) setInterval(async () => {
  try {
    if ((await fetch(pairing.dataset.pairing)).ok) location.reload();
  } catch { /* Asked again in two seconds. */ }
}, 2000);
