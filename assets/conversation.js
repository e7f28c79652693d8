// A frame with data-stick stays at its end while its reader is there; away from it, data-to-newest leads back.
const NEAR = 48;
const left = new WeakSet();

function isAtEnd(frame) {
  return frame.scrollHeight - frame.scrollTop - frame.clientHeight < NEAR;
}

function toEnd(frame) {
  frame.scrollTop = frame.scrollHeight;
}

function settle() {
  document.querySelectorAll("[data-stick]").forEach((frame) => {
    if (!left.has(frame)) toEnd(frame);
    const button = frame.parentElement.querySelector("[data-to-newest]");
    if (button) button.hidden = isAtEnd(frame);
  });
}

document.addEventListener("scroll", (event) => {
  const frame = event.target;
  if (!(frame instanceof Element) || !frame.matches("[data-stick]")) return;
  isAtEnd(frame) ? left.delete(frame) : left.add(frame);
  const button = frame.parentElement.querySelector("[data-to-newest]");
  if (button) button.hidden = isAtEnd(frame);
}, { capture: true, passive: true });

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-to-newest]");
  const frame = button && button.parentElement.querySelector("[data-stick]");
  if (!frame) return;
  left.delete(frame);
  toEnd(frame);
});

function concerns(change) {
  const target = change.target instanceof Element ? change.target : change.target.parentElement;
  return target && (target.closest("[data-stick]") || target.querySelector("[data-stick]"));
}

new MutationObserver((changes) => {
  if (changes.some(concerns)) settle();
}).observe(document.documentElement, { childList: true, subtree: true, characterData: true });
