// <time data-relative datetime="..."> shows how long ago a moment was, ticks, and names the exact one on hover,
// both in the viewer's own zone. With data-until it shows a duration, up to that moment or to "now";
// with data-due a moment may lie ahead.
const UNITS = [["d", 86400], ["h", 3600], ["min", 60]];

function parse(text) {
  const value = new Date((text || "").replace(" ", "T"));
  return Number.isNaN(value.getTime()) ? null : value;
}

function span(seconds) {
  for (let i = 0; i < UNITS.length; i++) {
    const [name, size] = UNITS[i];
    if (seconds < size) continue;
    const whole = Math.floor(seconds / size);
    const next = UNITS[i + 1];
    const rest = next && whole < 10 ? Math.floor((seconds % size) / next[1]) : 0;
    return rest ? `${whole} ${name} ${rest} ${next[0]}` : `${whole} ${name}`;
  }
  return `${Math.max(0, Math.floor(seconds))} s`;
}

function words(element, from) {
  const until = element.dataset.until;
  const end = until && until !== "now" ? parse(until) : new Date();
  const seconds = (end - from) / 1000;
  if (until) return span(seconds);
  // Elsewhere a moment ahead only says that the viewer's clock is slow.
  if ("due" in element.dataset && seconds <= -1) return `in ${span(-seconds)}`;
  return seconds < 5 ? "just now" : `${span(seconds)} ago`;
}

function show(element) {
  const from = parse(element.getAttribute("datetime"));
  const text = from ? words(element, from) : "–";
  if (element.textContent !== text) element.textContent = text;
  if (!from) return;
  const exact = from.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
  if (element.title !== exact) element.title = exact;
}

const showAll = () => document.querySelectorAll("time[data-relative]").forEach(show);
setInterval(showAll, 1000);
new MutationObserver(showAll).observe(document.documentElement, {
  childList: true, subtree: true, attributes: true, attributeFilter: ["datetime", "data-until"],
});

// Copies the text of data-copy of the button that was pressed, and says so for a moment.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.dataset.copied = "true";
  setTimeout(() => delete button.dataset.copied, 1200);
});
