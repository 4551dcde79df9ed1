// What was typed outlives the session: a form that is sent long after its page came asks first whether anybody still listens.
// Signed out, or the line is down: the page stays as it is and says what to do.
import { toast } from "./toast.js";

const FRESH_MS = 60_000;
let heard = performance.now();

export function signedOut() {
  toast({
    key: "signed-out", tone: "bad", seconds: 120,
    text: "Phiên làm việc đã hết, việc này chưa được ghi. Nội dung vẫn còn trên trang: đăng nhập lại ở thẻ mới rồi làm lại.",
    link: { href: "/login", text: "Đăng nhập lại" },
  });
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const old = performance.now() - heard > FRESH_MS || document.body.classList.contains("offline");
  if (!old || event.submitter?.formMethod === "get" || form.method !== "post" || form.hasAttribute("hx-post") || !document.body.matches(".staff")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  try {
    const answer = await fetch("/api/me", { headers: { accept: "application/json" } });
    if (answer.status === 401) { signedOut(); return; }
    heard = performance.now();
    document.body.classList.remove("offline");
    form.requestSubmit(event.submitter);
  } catch {
    toast({ key: "no-line", text: "Chưa gửi được: mất kết nối. Nội dung vẫn còn trên trang, hãy thử lại.", tone: "bad" });
  }
}, true);

document.body.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401) signedOut();
});
