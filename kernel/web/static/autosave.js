// A draft saves itself a moment after the last letter, on leaving a field and on Ctrl+S, and says when.
// <form data-autosave="/url" data-state="#id"> with hidden revisions. A button with data-needs-saved fires `saved` on itself once
// everything is saved. The server answers
//   200 {"revision": 4} or {"revisions": {name: 4}} with {"saved_at": "09:42:18", "errors": {field: text}}   ·   409 {"detail": "…"}: changed elsewhere   ·   422: refused.
import { all, csrf, onEach } from "./dom.js";

const REST_MS = 900, RETRY_MS = 3000;

onEach("form[data-autosave]", (form) => {
  const place = document.querySelector(form.dataset.state);
  let timer, dirty = false, busy = null, stopped = false;

  const say = (text, tone = "") => { if (place) { place.textContent = text; place.className = tone ? `save-state ${tone}` : "save-state"; } };
  const sayWithLink = (text, href, words) => {
    say(`${text} `, "bad");
    place?.append(Object.assign(document.createElement("a"), { href, textContent: words, target: "_blank", rel: "noopener" }));
  };
  const showErrors = (errors) => {
    for (const old of all(".error[data-auto]", form)) old.remove();
    for (const input of all("[aria-invalid][data-auto]", form)) { input.removeAttribute("aria-invalid"); delete input.dataset.auto; }
    for (const [field, text] of Object.entries(errors ?? {})) {
      const input = form.elements[field];
      if (!input?.insertAdjacentElement) continue;
      input.setAttribute("aria-invalid", "true");
      input.dataset.auto = "1";
      const note = Object.assign(document.createElement("p"), { className: "error", textContent: text });
      note.dataset.auto = "1";
      (input.closest(".with-unit,.combo-box") ?? input).insertAdjacentElement("afterend", note);
    }
  };
  const save = async () => {
    clearTimeout(timer);
    if (stopped || !dirty) return busy;
    if (busy) { await busy; return save(); }
    dirty = false;
    busy = (async () => {
      say("Đang lưu…");
      try {
        const body = new URLSearchParams(new FormData(form));
        const answer = await fetch(form.dataset.autosave, { method: "POST", body, headers: { "x-csrf-token": csrf(), accept: "application/json" } });
        const told = answer.headers.get("content-type")?.includes("json") ? await answer.json() : {};
        if (answer.ok && told.saved_at) {  // Anything else is a page of another kind: nothing was saved.
          for (const [name, revision] of Object.entries(told.revisions ?? { revision: told.revision })) {
            const field = form.elements[name] ?? form.appendChild(Object.assign(document.createElement("input"), { type: "hidden", name }));
            field.value = revision;
          }
          say(`Đã tự lưu ${told.saved_at}`);
          showErrors(told.errors);
          form.dispatchEvent(new CustomEvent("autosave:saved", { bubbles: true, detail: told }));
        } else if (answer.status === 409) {
          stopped = true;
          say("Chưa lưu: phiếu đã đổi ở nơi khác", "bad");
          for (const note of all("[data-conflict]")) { note.hidden = false; note.scrollIntoView({ block: "nearest" }); }
          form.dispatchEvent(new CustomEvent("autosave:conflict", { bubbles: true, detail: told }));
        } else if (answer.status === 422 || answer.status === 400) {
          say(told.detail ?? "Chưa lưu: có chỗ chưa đúng", "bad");
          showErrors(told.errors);
        } else if (answer.status === 401) {
          dirty = true;
          sayWithLink("Chưa lưu: phiên đã hết, nội dung vẫn còn trên trang và sẽ tự lưu khi có phiên mới.", "/login", "Đăng nhập lại ở thẻ mới");
          timer = setTimeout(save, RETRY_MS);
        } else if (answer.status === 403) {
          dirty = true;
          say(`Chưa lưu: ${told.detail ?? "bạn không được ghi phiếu này."}`, "bad");
          timer = setTimeout(save, RETRY_MS);
        } else throw new Error(String(answer.status));
      } catch {
        dirty = true;
        say("Chưa lưu được, đang thử lại. Nội dung vẫn còn trên trang.", "bad");
        timer = setTimeout(save, RETRY_MS);
      }
    })();
    await busy;
    busy = null;
  };

  const later = () => { dirty = true; say("Chưa lưu"); clearTimeout(timer); timer = setTimeout(save, REST_MS); };
  form.addEventListener("input", (event) => { if (!event.target.closest("[data-not-saved]")) later(); });
  form.addEventListener("change", (event) => { if (!event.target.closest("[data-not-saved]")) { later(); save(); } });
  form.addEventListener("submit", (event) => { if (!form.hasAttribute("action")) { event.preventDefault(); save(); } });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") { event.preventDefault(); dirty = true; save(); }
  });
  window.addEventListener("beforeunload", (event) => { if (dirty || busy) event.preventDefault(); });
  document.addEventListener("visibilitychange", () => { if (document.hidden) save(); });
  form.saveDraft = async () => { await save(); await busy; return !dirty && !stopped; };
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-needs-saved]");
  if (!button) return;
  const form = document.querySelector("form[data-autosave]");
  if (!form?.saveDraft || (await form.saveDraft())) button.dispatchEvent(new CustomEvent("saved", { bubbles: false }));
});
