// Short news at the bottom; an undo stands for 30 s. Servers send HX-Trigger {"toast": {"text", "tone", "undo"}}.
import { onEach } from "./dom.js";

const place = () => document.getElementById("toasts");

// `onUndo` undoes what the page itself did; `undo` is an address to post to.
export function toast({ text, tone = "good", undo = "", onUndo = null, seconds = 6 }) {
  const element = document.createElement("div");
  element.className = `toast ${tone}`;
  element.dataset.toast = "";
  element.dataset.seconds = undo || onUndo ? 30 : seconds;
  element.append(Object.assign(document.createElement("span"), { textContent: text }));
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
  const code = event.detail.xhr.status;
  const text = code === 401 ? "Phiên làm việc đã hết. Hãy đăng nhập lại ở thẻ khác rồi thử lại." : "Hệ thống gặp lỗi, chưa lưu việc này. Hãy thử lại; nếu vẫn lỗi, gọi quản trị.";
  toast({ text, tone: "bad", seconds: 12 });
});
