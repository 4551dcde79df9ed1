// Short news at the bottom; an undo stands for 30 s. Servers send HX-Trigger {"toast": {"text", "tone", "undo"}}.
import { onEach } from "./dom.js";

const place = () => document.getElementById("toasts");

// `onUndo` undoes what the page itself did; `undo` is an address to post to; a second toast of one `key` replaces the first.
export function toast({ text, tone = "good", undo = "", onUndo = null, seconds = 6, key = "", link = null }) {
  if (key) place().querySelector(`[data-toast="${key}"]`)?.remove();
  const element = document.createElement("div");
  element.className = `toast ${tone}`;
  element.dataset.toast = key;
  element.dataset.seconds = undo || onUndo ? 30 : seconds;
  element.append(Object.assign(document.createElement("span"), { textContent: text }));
  if (link) element.append(Object.assign(document.createElement("a"), { href: link.href, textContent: link.text, target: "_blank", rel: "noopener", className: "btn quiet" }));
  if (undo || onUndo) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "btn quiet", textContent: "Hoàn tác" });
    if (undo) {
      button.setAttribute("hx-post", undo);
      button.setAttribute("hx-swap", "none");
    } else button.addEventListener("click", () => { onUndo(); element.remove(); });
    element.append(button);
  }
  place().append(element);
  window.htmx?.process(element);
  element.dispatchEvent(new CustomEvent("lanh:added", { bubbles: true }));
}

onEach("[data-toast]", (element) => {
  if (element.parentElement !== place()) place().append(element);
  const leave = () => element.remove();
  let timer = setTimeout(leave, Number(element.dataset.seconds) * 1000);
  element.addEventListener("pointerenter", () => clearTimeout(timer));
  element.addEventListener("pointerleave", () => { timer = setTimeout(leave, 3000); });
  element.addEventListener("click", (event) => {
    if (event.target.closest("[data-dismiss]")) leave();
    else if (event.target.closest("[hx-post]")) element.addEventListener("htmx:afterRequest", leave, { once: true });
  });
});

document.body.addEventListener("toast", (event) => toast(event.detail));
document.body.addEventListener("htmx:sendError", () => toast({ text: "Chưa gửi được: mất kết nối. Nội dung vẫn còn trên trang, hãy thử lại.", tone: "bad" }));
document.body.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401) return; // session.js says it.
  toast({ text: "Hệ thống gặp lỗi, chưa lưu việc này. Hãy thử lại; nếu vẫn lỗi, gọi quản trị.", tone: "bad", seconds: 12 });
});
