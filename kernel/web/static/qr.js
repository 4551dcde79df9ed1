// A QR code is drawn at whole pixels a module, as large as its place allows: phones read it faster.
import { onEach } from "./dom.js";

export function fit(svg, room) {
  const modules = svg.viewBox?.baseVal?.width;
  if (!modules) return;
  const side = Math.max(1, Math.floor(room / modules)) * modules;
  svg.setAttribute("width", side);
  svg.setAttribute("height", side);
}

onEach("[data-qr]", (element) => {
  const svg = element.querySelector("svg");
  if (!svg) return;
  const draw = () => {
    const room = Number(element.dataset.qr) || parseFloat(getComputedStyle(element).getPropertyValue("--qr-side")) || 264;
    fit(svg, room);
    svg.style.width = svg.style.height = "auto";
  };
  draw();
  window.addEventListener("resize", draw);
});
