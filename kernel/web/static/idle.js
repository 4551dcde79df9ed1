// A kiosk forgets the person who walked away.
import { onEach } from "./dom.js";

onEach("[data-idle]", (element) => {
  const seconds = Number(element.dataset.idle);
  if (!seconds) return;
  let timer;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => { if (location.pathname !== element.dataset.idleTo) location.replace(element.dataset.idleTo); }, seconds * 1000);
  };
  for (const kind of ["pointerdown", "keydown", "input"]) document.addEventListener(kind, wait);
  wait();
});
