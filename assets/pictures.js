// Pictures of a form: each is uploaded at once, its id goes into the hidden field, and the form waits for all of them.
(() => {
const MOST_PICTURES = 5;
const LARGEST_PICTURE = 15 * 1024 * 1024;

function note(box) {
  const ids = [...box.querySelectorAll("li[data-upload]")].map((item) => item.dataset.upload);
  box.querySelector("input[type=hidden]").value = ids.join(" ");
}

function fail(item, text) {
  delete item.dataset.busy;
  item.classList.add("failed");
  item.querySelector("span").textContent += `: ${text}`;
}

async function upload(box, item, file) {
  item.dataset.busy = "true";
  try {
    const headers = { "Content-Type": "application/octet-stream", "X-Requested-With": "cursor-monitor" };
    const answer = await fetch("/api/cloud-agents/uploads", { method: "POST", body: file, headers });
    const told = await answer.json();
    if (!answer.ok) return fail(item, told.error.message);
    item.dataset.upload = told.id;
    delete item.dataset.busy;
    note(box);
  } catch {
    fail(item, "it could not be uploaded; try again");
  }
}

function show(item, file) {
  const reader = new FileReader();
  reader.onload = () => {
    const picture = new Image();
    picture.alt = "";
    picture.src = reader.result;
    item.prepend(picture);
  };
  reader.readAsDataURL(file);
}

function add(box, file) {
  const list = box.querySelector("ul");
  const item = document.createElement("li");
  const name = document.createElement("span");
  name.textContent = file.name.slice(0, 60);
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "button small";
  remove.textContent = "Remove";
  remove.setAttribute("aria-label", `Remove ${file.name.slice(0, 60)}`);
  remove.onclick = () => { item.remove(); note(box); };
  item.append(name, remove);
  list.append(item);
  if (list.querySelectorAll("li:not(.failed)").length > MOST_PICTURES) return fail(item, `at most ${MOST_PICTURES} pictures`);
  if (file.size > LARGEST_PICTURE) return fail(item, "larger than 15 MB");
  show(item, file);
  upload(box, item, file);
}

document.addEventListener("change", (event) => {
  const input = event.target.closest("[data-pictures] input[type=file]");
  if (!input) return;
  for (const file of input.files) add(input.closest("[data-pictures]"), file);
  input.value = "";
});

document.addEventListener("paste", (event) => {
  const box = event.target.closest?.("form")?.querySelector("[data-pictures]");
  if (!box) return;
  for (const file of event.clipboardData.files) if (file.type.startsWith("image/")) add(box, file);
});

document.addEventListener("submit", (event) => {
  const busy = event.target.querySelector("[data-pictures] li[data-busy]");
  if (!busy) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  event.target.querySelector("[data-pictures] [role=status]").textContent = "A picture is still on its way; press again in a moment.";
}, true);
})();
