// The canvas of a drawn signature: where the pen was, when, and how hard; nothing leaves the page before it is signed.
import { onEach } from "./dom.js";

const LONGEST = 5800; // Points; the server takes 6000.

onEach("[data-draw]", (form) => {
  const canvas = form.querySelector("canvas"), field = form.elements.drawing;
  const sign = document.querySelector("[data-sign]"), clear = document.querySelector("[data-clear]");
  const pen = canvas.getContext("2d");
  let strokes = [], stroke = null, began = 0, box;

  const fit = () => {
    box = canvas.getBoundingClientRect();
    const sharp = window.devicePixelRatio || 1;
    canvas.width = Math.round(box.width * sharp);
    canvas.height = Math.round(box.height * sharp);
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    pen.lineCap = pen.lineJoin = "round";
    pen.strokeStyle = getComputedStyle(document.body).getPropertyValue("--ink");
    strokes = [];
    stroke = null;
    show();
  };
  const count = () => strokes.reduce((sum, one) => sum + one.length, 0);
  const show = () => {
    sign.disabled = count() < 2;
    clear.disabled = !strokes.length;
  };
  const place = (event) => {
    const now = canvas.getBoundingClientRect();
    const within = (value, most) => Math.round(Math.min(most, Math.max(0, value)) * 10) / 10;
    if (!began) began = event.timeStamp;
    return [
      within(event.clientX - now.left, now.width),
      within(event.clientY - now.top, now.height),
      Math.max(0, Math.round(event.timeStamp - began)),
      Math.round(Math.min(1, event.pressure || 0) * 100) / 100,
    ];
  };
  const line = (from, to) => {
    pen.lineWidth = 2 + 2 * (to[3] || 0.5);
    pen.beginPath();
    pen.moveTo(from[0], from[1]);
    pen.lineTo(to[0], to[1]);
    pen.stroke();
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (stroke || count() > LONGEST) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    if (!strokes.length) began = 0;
    stroke = [place(event)];
    strokes.push(stroke);
    line(stroke[0], stroke[0]);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!stroke || count() > LONGEST) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const one of all.length ? all : [event]) {
      const last = stroke[stroke.length - 1], next = place(one);
      if (next[2] < last[2]) next[2] = last[2];
      line(last, next);
      stroke.push(next);
    }
  });
  const lift = () => {
    stroke = null;
    show();
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  clear.addEventListener("click", fit);
  form.addEventListener("submit", () => {
    field.value = JSON.stringify({ width: Math.round(box.width), height: Math.round(box.height), strokes });
  });
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    fit();
  });
  fit();
});

// The button at the end of a document waits until its last page was on the screen.
onEach("[data-read]", (sheets) => {
  const button = document.querySelector("[data-read-end]");
  button.disabled = true;
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    Promise.all([...sheets.children].map((one) => one.decode())).then(() => { button.disabled = false; });
  });
  seen.observe(button);
});
