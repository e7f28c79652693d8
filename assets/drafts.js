// Nothing typed is lost: a form with data-draft is kept in this browser while it is written, and filled again after a
// reload, a lost connection or an ended session. It is forgotten once it was sent: submitted, and gone from the page.
// A draft has a key of its own, which goes with it: what was sent and never answered is not launched twice.
// Rows that can be added carry their number in their fields' names (task-7-prompt); here they count by their order, but
// in a form with data-draft-rows="number", where a row keeps its number, by that.
(() => {
  const PREFIX = "draft:";
  const MOST_AGE_MS = 14 * 24 * 3600 * 1000;
  const MOST_LENGTH = 400_000;
  const FILL_MS = 6000; // parts of a form come only once the server was asked for them
  const GROW_MS = 600; // by then a form that is opened anew shows its first rows
  const TRY_MS = 500;
  const MOST_TRIES = 4; // choosing one thing may change another, which is then chosen again
  const live = new Map(); // form -> {key, opened, until, saved, submitted, timer}

  const pattern = (name) => name.replace(/-\d+-/, "-#-");
  const keyOf = (form) => `${PREFIX}${form.dataset.draftOwner || ""}:${form.dataset.draft}`;

  const isNumbered = (form) => form.dataset.draftRows === "number";

  function fields(form) {
    const seen = {};
    return [...form.elements].filter((one) => one.name && !["hidden", "file", "password", "submit", "button"].includes(one.type)).map((one) => {
      const base = pattern(one.name);
      const number = base === one.name || one.type === "radio" || isNumbered(form) ? "" : (seen[base] = (seen[base] || 0) + 1);
      return [isNumbered(form) ? one.name : base.replace("#", number), one];
    });
  }

  function read(key) {
    try {
      const draft = JSON.parse(localStorage.getItem(key));
      if (draft && Date.now() - draft.at < MOST_AGE_MS) return draft;
    } catch { /* not one of ours */ }
    localStorage.removeItem(key);
    return null;
  }

  function newKey() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function save(form, sent = false) {
    const values = {};
    const counts = {};
    for (const [name, one] of fields(form)) {
      if (one.type === "radio" ? one.checked : true) values[name] = one.type === "checkbox" ? one.checked : one.value;
    }
    form.querySelectorAll("[data-draft-add]").forEach((one) => { counts[one.dataset.draftAdd] = rows(form, one.dataset.draftAdd); });
    const text = JSON.stringify({ at: Date.now(), key: live.get(form)?.id, sent, values, counts });
    try {
      if (text.length < MOST_LENGTH) localStorage.setItem(keyOf(form), text);
    } catch { /* full, or not allowed here: then it is as without drafts */ }
  }

  function rows(form, base) {
    const numbers = [...form.elements].filter((one) => pattern(one.name || "") === base).map((one) => Number(/-(\d+)-/.exec(one.name)[1]));
    return isNumbered(form) ? Math.max(0, ...numbers) : numbers.length;
  }

  const isUntouched = (one) => one.tagName === "SELECT" ? !one.value || one.selectedIndex <= 0 || one.selectedOptions[0].defaultSelected : one.value === one.defaultValue;

  function put(one, value) {
    if (one.type === "radio") { if (one.value === value && !one.checked) one.click(); return; }
    if (one.type === "checkbox") { if (one.checked !== value) one.click(); return; }
    if (one.value === value || !isUntouched(one)) return;
    if (one.tagName === "SELECT" && ![...one.options].some((option) => option.value === value)) return;
    const kind = { TEXTAREA: HTMLTextAreaElement, SELECT: HTMLSelectElement }[one.tagName] || HTMLInputElement;
    Object.getOwnPropertyDescriptor(kind.prototype, "value").set.call(one, value);
    one.dispatchEvent(new Event(one.tagName === "SELECT" ? "change" : "input", { bubbles: true }));
  }

  function mayTry(entry, one) {
    if (!["radio", "checkbox"].includes(one.type)) return entry.filled.add(one);
    const [times, last] = entry.tries.get(one) || [0, 0];
    if (times >= MOST_TRIES || Date.now() - last < TRY_MS) return false;
    return entry.tries.set(one, [times + 1, Date.now()]);
  }

  function grow(form, base, wanted) {
    const more = wanted - rows(form, base);
    for (let left = more; left > 0; left--) form.querySelector(`[data-draft-add="${base}"]`)?.click();
    if (more < 0) [...form.querySelectorAll(`[data-draft-remove="${base}"]`)].slice(more).forEach((one) => one.click());
  }

  function fill(form, entry) {
    const { values, counts } = entry.saved;
    entry.isFilling = true;
    for (const [name, one] of fields(form)) {
      if (!(name in values) || entry.filled.has(one)) continue;
      if (mayTry(entry, one)) put(one, values[name]);
    }
    entry.isFilling = false;
    form.querySelectorAll("[data-draft-add]").forEach((add) => {
      const base = add.dataset.draftAdd;
      if (entry.grown.has(base) || !counts?.[base]) return;
      entry.grown.add(base);
      setTimeout(() => { if (live.get(form) === entry) grow(form, base, counts[base]); }, GROW_MS);
    });
    const note = form.querySelector("[data-draft-note]");
    if (!note || !Object.values(values).some((value) => typeof value === "string" && value.length > 20)) return;
    note.hidden = false;
    note.querySelector("[data-draft-sent]").hidden = !entry.saved.sent;
  }

  function follow(form) {
    const opened = form.dataset.draftOpened || "";
    if (opened === "0") return; // it is being opened
    const key = keyOf(form);
    let entry = live.get(form);
    if (!entry || entry.opened !== opened || entry.key !== key) {
      entry = { key, opened, until: Date.now() + FILL_MS, saved: read(key), filled: new WeakSet(), tries: new WeakMap(), grown: new Set() };
      entry.id = entry.saved?.key || newKey();
      live.set(form, entry);
    }
    const field = form.querySelector("[name=draft_key]");
    if (field && field.value !== entry.id) field.value = entry.id;
    if (entry.submitted && form.querySelector("[role=alert]")) entry.submitted = false; // refused: it is still a draft
    if (entry.saved && Date.now() < entry.until) fill(form, entry);
  }

  function settle() {
    for (const [form, entry] of live) { // first of all: an empty form may already stand where one was sent
      if (form.isConnected) continue;
      live.delete(form);
      clearTimeout(entry.timer);
      if (entry.submitted) localStorage.removeItem(entry.key);
    }
    document.querySelectorAll("form[data-draft]").forEach(follow);
  }

  function renew(form, entry) {
    entry.id = newKey();
    const field = form.querySelector("[name=draft_key]");
    if (field) field.value = entry.id;
  }

  function typed(event) {
    const form = event.target.form;
    const entry = form && live.get(form);
    if (!entry || entry.isFilling) return;
    if (entry.wasSent || entry.saved?.sent) renew(form, entry); // changed after it was sent: another one
    if (entry.saved) entry.saved.sent = false;
    entry.submitted = entry.wasSent = false;
    if (event.isTrusted && event.target.value !== undefined) entry.filled.add(event.target);
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => save(form), 250);
  }

  document.addEventListener("input", typed);
  document.addEventListener("change", typed);
  window.addEventListener("pagehide", () => { for (const [form, entry] of live) if (entry.timer && form.isConnected) save(form); });
  document.addEventListener("submit", (event) => {
    const entry = live.get(event.target);
    if (!entry || event.defaultPrevented && event.target.querySelector("[data-busy]")) return;
    clearTimeout(entry.timer);
    save(event.target, true);
    entry.submitted = entry.wasSent = true;
  }, true);
  window.addEventListener("storage", (event) => { // sent, or thrown away, in another tab
    for (const [form, entry] of live) if (event.key === entry.key && event.newValue === null) renew(form, entry);
  });
  document.addEventListener("click", (event) => {
    const left = live.get(event.target.closest("[data-draft-forget]")?.form);
    if (left) { clearTimeout(left.timer); left.submitted = true; } // the form is about to go, and its draft with it
    const form = event.target.closest("[data-draft-discard]")?.form;
    if (!form) return;
    localStorage.removeItem(keyOf(form));
    live.clear();
    location.reload();
  });
  new MutationObserver(settle).observe(document.documentElement, {
    childList: true, subtree: true, attributes: true, attributeFilter: ["data-draft", "data-draft-opened", "data-draft-owner"],
  });
})();
