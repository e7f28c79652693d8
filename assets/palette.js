// The command palette (Ctrl/Cmd-K), the sheet of shortcuts (?), and the single keys, none of them while a text is
// written. Pages and actions are options of the palette; an option's data-keys says which keys do the same anywhere.
(() => {
  const SEQUENCE_MS = 1200;
  const TEXT = "input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select, [contenteditable=true]";
  const ROWS = "main :is(tbody tr, [data-row], .rows > li, .found > li)";
  const get = (id) => document.getElementById(id);
  let begun = "";
  let begunAt = 0;
  let hasMoved = false; // else the first choice is the chosen one, whatever comes

  const keysAreOff = () => localStorage.getItem("single-keys") === "off";
  const isOpen = () => document.querySelector("dialog[open], [role=dialog], [role=alertdialog]") !== null;
  const options = () => [...get("palette-list").querySelectorAll("[role=option]")].filter((one) => !one.hidden);

  function write(field, text) {
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, text);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function choose(option) {
    const input = get("palette-input");
    options().forEach((one, index) => {
      one.id ||= `palette-option-${index}-${Math.random().toString(36).slice(2, 8)}`;
      one.setAttribute("aria-selected", one === option ? "true" : "false");
    });
    if (!option) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  const chosen = () => options().find((one) => one.getAttribute("aria-selected") === "true");

  function filter() {
    const dialog = get("palette");
    if (!dialog?.open) return;
    const words = get("palette-input").value.toLowerCase().split(/\s+/).filter(Boolean);
    dialog.querySelectorAll("[role=option]").forEach((one) => {
      const text = one.textContent.toLowerCase();
      one.hidden = !("always" in one.dataset) && !words.every((word) => text.includes(word));
    });
    dialog.querySelectorAll("[role=group]").forEach((group) => {
      group.hidden = !group.querySelector("[role=option]:not([hidden])");
    });
    const shown = options();
    const found = `${shown.length} ${shown.length === 1 ? "choice" : "choices"}. Arrows choose, Enter goes, Esc closes.`;
    const status = dialog.querySelector("[data-found]");
    if (status.textContent !== found) status.textContent = found;
    if (!hasMoved || !chosen()) choose(shown[0]);
  }

  function offerPage() {
    const group = get("palette").querySelector("[data-page-commands]");
    group.replaceChildren(...[...document.querySelectorAll("main [data-command]:not(:disabled)")].map((control) => {
      const option = document.createElement("button");
      option.type = "button";
      option.tabIndex = -1;
      option.setAttribute("role", "option");
      option.textContent = control.dataset.command;
      option.onclick = () => control.click();
      return option;
    }));
  }

  function open(id) {
    const dialog = get(id);
    if (!dialog || dialog.open) return;
    document.querySelectorAll("dialog[open]").forEach((one) => one.close());
    if (id === "palette") offerPage();
    dialog.showModal();
    if (id !== "palette") {
      dialog.querySelector("[data-single-keys]").checked = !keysAreOff();
      return;
    }
    if (get("palette-input").value) write(get("palette-input"), "");
    get("palette-input").focus();
    hasMoved = false;
    filter();
  }

  function steer(event) {
    const shown = options();
    const at = shown.indexOf(chosen());
    const to = { ArrowDown: (at + 1) % shown.length, ArrowUp: (at - 1 + shown.length) % shown.length }[event.key];
    if (event.key === "Enter") chosen()?.click();
    else if (to !== undefined) { hasMoved = true; choose(shown[to]); }
    else return;
    event.preventDefault();
  }

  function step(by) {
    const rows = [...document.querySelectorAll(ROWS)].filter((row) => row.checkVisibility() && row.querySelector("a[href], button"));
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    const row = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1)];
    row?.querySelector("a[href], button")?.focus();
    row?.scrollIntoView({ block: "nearest" });
  }

  function searchHere() {
    const box = document.querySelector("main input[type=search]");
    box ? box.focus() : open("palette");
  }

  const single = {
    "?": () => open("shortcuts"),
    "/": searchHere,
    j: () => step(1),
    k: () => step(-1),
    x: () => document.activeElement?.closest(ROWS)?.querySelector("input[type=checkbox]")?.click(),
  };

  function press(event) {
    const key = event.shiftKey && event.key.length === 1 && /[a-z]/i.test(event.key) ? `shift+${event.key.toLowerCase()}` : event.key;
    const keys = begun && Date.now() - begunAt < SEQUENCE_MS ? `${begun} ${key}` : key;
    begun = "";
    const option = document.querySelector(`#palette [data-keys="${CSS.escape(keys)}"]`);
    if (option && keys !== "?") option.click();
    else if (single[keys]) single[keys]();
    else if (document.querySelector(`#palette [data-keys^="${CSS.escape(key)} "]`)) [begun, begunAt] = [key, Date.now()];
    else return;
    event.preventDefault();
  }

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      return get("palette")?.open ? get("palette").close() : open("palette");
    }
    if (event.target.id === "palette-input") return steer(event);
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat && !/^[jk]$/.test(event.key)) return;
    if (keysAreOff() || isOpen() || event.target.closest?.(TEXT)) return;
    press(event);
  });

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open]");
    const dialog = event.target.closest("dialog");
    const outside = event.target === dialog && dialog.classList.contains("palette");
    if (outside || event.target.closest("[data-close], #palette [role=option]")) dialog?.close();
    if (opener) open(opener.dataset.open);
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches?.("[data-single-keys]")) localStorage.setItem("single-keys", event.target.checked ? "on" : "off");
  });
  document.addEventListener("input", (event) => {
    if (event.target.id === "palette-input") { hasMoved = false; filter(); }
  });
  document.addEventListener("mousemove", (event) => {
    const option = event.target.closest?.("#palette [role=option]");
    if (option && option !== chosen()) { hasMoved = true; choose(option); }
  });
  new MutationObserver(filter).observe(document.documentElement, { childList: true, subtree: true });
})();
