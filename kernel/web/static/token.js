// Signs with the token in this PC: takes what is to be signed from our server, gives it to the program on 127.0.0.1, opens that
// program's window for the PIN, and brings the values back. The PIN never passes here.
import { csrf, onEach } from "./dom.js";

const POLL_MS = 700;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function ask(url, method = "GET", body) {
  const answer = await fetch(url, {
    method,
    credentials: "omit",
    headers: body ? { "content-type": "application/json" } : {},
    body: body && JSON.stringify(body),
  });
  const found = answer.status === 204 ? {} : await answer.json();
  if (!answer.ok) throw new Error(found.detail ?? "Chương trình ký trên máy này từ chối yêu cầu.");
  return found;
}

async function ours(url, body) {
  const answer = await fetch(url, {
    method: body ? "POST" : "GET",
    headers: { accept: "application/json", ...(body ? { "content-type": "application/json", "x-csrf-token": csrf() } : {}) },
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error("Phiên ký này đã kết thúc. Tải lại trang để xem kết quả.");
  return answer.json();
}

async function answered(agent, id) {
  for (;;) {
    const said = await ask(`${agent}/sittings/${id}`);
    if (said.state !== "asking") return said;
    await pause(POLL_MS);
  }
}

onEach("[data-token-open]", (button) => {
  const place = document.querySelector("[data-token]");
  if (!place) return;
  const { agent, job, values } = place.dataset;
  // Comes disabled: a click before somebody listens would open nothing, and nobody would know why.
  button.disabled = false;
  if (!document.activeElement || document.activeElement === document.body) button.focus();
  const say = (text) => { document.querySelector("[data-token]")?.replaceChildren(text); };
  button.addEventListener("click", async () => {
    // Opened while the click counts, else the browser takes it for an advertisement.
    const popup = window.open("", "lanh-token", "popup,width=640,height=680");
    button.disabled = true;
    try {
      say("Đang chuẩn bị…");
      const asked = await ours(job);
      let begun;
      try {
        begun = await ask(`${agent}/sittings`, "POST", { signer: asked.signer, scheme: asked.scheme, fingerprint: asked.fingerprint, documents: asked.documents });
      } catch (error) {
        throw error instanceof TypeError ? new Error("Chưa thấy chương trình ký (hospital token-agent) trên máy này. Hãy mở chương trình rồi bấm lại.") : error;
      }
      if (popup) popup.location = begun.page;
      else say("Trình duyệt chặn cửa sổ bật lên. Hãy cho phép rồi bấm lại.");
      say("Nhập mã PIN ở cửa sổ của chương trình ký.");
      const said = await answered(agent, begun.id);
      if (said.state === "signed") {
        say("Đang ghi chữ ký vào văn bản…");
        await ours(values, { values: said.values });
        popup?.close();
        location.reload();
      } else say("Bạn đã từ chối ở cửa sổ ký. Chưa ký văn bản nào.");
    } catch (error) {
      popup?.close();
      say(error.message);
    } finally {
      button.disabled = false;
    }
  });
});
