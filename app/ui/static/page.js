// What pages do beyond what HTML does by itself. Every page works without it; nothing is sent anywhere but here.

const year = 31536000;
function remember(name, value) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${encodeURIComponent(value)}; Path=/; Max-Age=${year}; SameSite=Lax${secure}`;
}

// On a phone the server draws charts that fit it, from the next page on.
const phone = matchMedia("(max-width: 640px)").matches;
if (phone !== /(?:^|; )narrow=1/.test(document.cookie)) remember("narrow", phone ? "1" : "0");

// The server writes times in this zone; the first page of a new browser is read once more with it.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const known = document.cookie.match(/(?:^|; )time_zone=([^;]*)/);
if (zone && (!known || decodeURIComponent(known[1]) !== zone)) {
  remember("time_zone", zone);
  if (!known && document.querySelector(".foot") && navigator.cookieEnabled) location.reload();
}

document.querySelector("[data-theme-switch]")?.addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  remember("theme", root.dataset.theme);
});

for (const button of document.querySelectorAll("[data-opens]")) {
  button.addEventListener("click", () => document.getElementById(button.dataset.opens).showModal());
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const text = button.parentElement.querySelector("code").textContent;
    const said = button.querySelector("[data-copy-text]");
    const before = said.textContent;
    try {
      await navigator.clipboard.writeText(text);
      said.textContent = "Copied";
    } catch {
      said.textContent = "Select and copy by hand";
    }
    setTimeout(() => { said.textContent = before; }, 2000);
  });
}

// A list that narrows as soon as something is chosen; typing waits for Enter.
for (const form of document.querySelectorAll("form[data-auto-submit]")) {
  form.addEventListener("change", (event) => { if (event.target.matches("select, input[type=date]")) form.requestSubmit(); });
}

// A form is sent once, however often its button is pressed.
for (const form of document.querySelectorAll('form[method="post"]')) {
  // What is only shown in a frame beside the form is not sent: the form goes on.
  form.addEventListener("submit", (event) => event.submitter?.formTarget || setTimeout(() => { for (const one of form.querySelectorAll("button")) one.disabled = true; }));
}
addEventListener("pageshow", () => { for (const one of document.querySelectorAll('form[method="post"] button')) one.disabled = false; });

// A hint opens beside its button.
for (const hint of document.querySelectorAll(".hint-text")) {
  hint.addEventListener("toggle", (event) => {
    if (event.newState !== "open") return;
    const at = document.querySelector(`[popovertarget="${hint.id}"]`).getBoundingClientRect();
    hint.style.margin = "0";
    hint.style.left = `${Math.max(16, Math.min(at.left, innerWidth - hint.offsetWidth - 16))}px`;
    hint.style.top = `${at.bottom + 4 + hint.offsetHeight > innerHeight ? at.top - hint.offsetHeight - 4 : at.bottom + 4}px`;
  });
}

// The badge of the pipeline, and whatever else on the page wants to hear what happens now.
const badge = document.querySelector("[data-live-badge]");
if (badge && "EventSource" in window) {
  const live = new EventSource("/ui/live");
  live.addEventListener("pipeline", (event) => {
    const told = JSON.parse(event.data);
    badge.dataset.state = told.state;
    badge.querySelector("[data-live-text]").textContent = told.text;
    badge.title = told.title;
  });
  live.addEventListener("statement", (event) => document.dispatchEvent(new CustomEvent("statement", { detail: JSON.parse(event.data) })));
  addEventListener("pagehide", () => live.close());
}
