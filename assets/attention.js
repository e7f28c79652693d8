// The title and the icon of the tab say what the page shows, how much waits for a person and whether something runs.
// What is new is told by the browser, once for all tabs of it, where its person asked for that.
(() => {
  const TOLD = "needs-told";
  const TELL = "needs-tell";
  const MOST_TOLD = 500;
  const PRODUCT = "Cursor Monitor";
  let shown = "";
  let first = true;

  const told = () => JSON.parse(localStorage.getItem(TOLD) || "[]");
  const keep = (marks) => localStorage.setItem(TOLD, JSON.stringify(marks.slice(-MOST_TOLD)));
  const tells = () => localStorage.getItem(TELL) === "on" && window.Notification?.permission === "granted";

  function icon(count, running) {
    const dot = count ? "#d97706" : running ? "#3b82f6" : "";
    const mark = dot && `<circle cx="24" cy="8" r="8" fill="${dot}"/>`;
    return "data:image/svg+xml," + encodeURIComponent(
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#5b5bd6"/>` +
      `<path d="M8 17h4l3-8 4 14 3-6h2" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"/>${mark}</svg>`,
    );
  }

  function titled(bell) {
    const head = document.querySelector("main h1");
    const state = document.querySelector("main .page-head .line > .badge");
    const count = bell?.dataset.attention;
    const words = [head?.textContent.trim().slice(0, 120), state?.textContent.trim(), PRODUCT].filter(Boolean);
    return (count && count !== "0" ? `(${count}) ` : "") + words.join(" · ");
  }

  function tell(needs) {
    const before = told();
    const fresh = needs.filter((need) => need.dataset.new === "true" && !before.includes(need.dataset.need));
    if (!first && fresh.length && tells() && document.hidden) {
      const [one] = fresh;
      const note = new Notification(one.querySelector("a").textContent, { body: one.querySelector("p").textContent, tag: one.dataset.need });
      note.onclick = () => { window.focus(); one.querySelector("a").click(); note.close(); };
    }
    first = false;
    if (fresh.length) keep([...before, ...fresh.map((need) => need.dataset.need)]);
  }

  function settle() {
    const bell = document.querySelector("[data-attention]");
    const title = titled(bell);
    if (bell && document.title !== title) document.title = title;
    const needs = [...document.querySelectorAll("[data-need]")];
    const now = `${bell?.dataset.attention} ${bell?.dataset.running} ${needs.map((need) => need.dataset.need)}`;
    if (!bell || now === shown && bell.dataset.shown) return;
    shown = now;
    bell.dataset.shown = "true";
    const picture = icon(bell.dataset.attention !== "0", bell.dataset.running !== "0");
    document.querySelectorAll("link[rel~=icon]").forEach((link) => { link.href = picture; });
    tell(needs);
  }

  async function allow(box) {
    const place = document.querySelector("[data-told]");
    const say = (text) => { place.textContent = text; };
    if (!box.checked) return localStorage.setItem(TELL, "off"), say("");
    const answer = window.Notification ? await Notification.requestPermission() : "missing";
    box.checked = answer === "granted";
    localStorage.setItem(TELL, box.checked ? "on" : "off");
    say({ granted: "It will, while this tab is open in the background.", missing: "This browser has no notifications here; they need https or localhost." }[answer] || "The browser does not allow it for this address; its site settings can.");
  }

  document.addEventListener("toggle", (event) => {
    if (event.target.id !== "needs") return;
    const box = event.target.querySelector("[data-tell]");
    box.checked = tells();
    if (event.newState !== "open") event.target.querySelector("[data-see]").click();
  }, true);
  document.addEventListener("change", (event) => { if (event.target.matches?.("[data-tell]")) allow(event.target); });
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("#needs a")) document.getElementById("needs").hidePopover();
  });
  new MutationObserver(settle).observe(document.documentElement, {
    childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ["data-attention", "data-running"],
  });
})();
