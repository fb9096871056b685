// What pages can do without: copying, live numbers, a key for the search box.
"use strict";

document.documentElement.classList.add("scripted");

// "/" goes to the search box, unless somebody is writing.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]")) return;
  const search = document.querySelector("input[type=search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
});

// A menu closes when the focus or a click goes elsewhere, and with Escape.
const closeMenus = (except) => {
  for (const menu of document.querySelectorAll("details.menu[open], details.drop[open]")) {
    if (!except || !menu.contains(except)) menu.open = false;
  }
};
document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("focusin", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.activeElement && document.activeElement.closest("details[open]");
  closeMenus();
  if (open) open.querySelector("summary").focus();
});

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    const label = button.querySelector("[data-label]") || button;
    const before = label.textContent;
    let done = "Copied";
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      // Without TLS browsers give no access to the clipboard: then the text is at least selected.
      const range = document.createRange();
      range.selectNodeContents(source);
      const selection = window.getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      done = document.execCommand("copy") ? "Copied" : "Press Ctrl+C";
    }
    label.textContent = done;
    setTimeout(() => { label.textContent = before; }, 2000);
  });
}

for (const field of document.querySelectorAll("select[data-submit]")) {
  field.addEventListener("change", () => field.form.requestSubmit());
}

// A form is sent once.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", () => {
    for (const button of form.querySelectorAll("button[type=submit]")) button.setAttribute("aria-busy", "true");
  });
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
}
// The browser may bring the page back as it was left.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  }
});

// "All" ticks every box of its form.
for (const all of document.querySelectorAll("input[data-all]")) {
  const boxes = [...document.querySelectorAll(`input[type=checkbox][name="${all.dataset.all}"]`)];
  const count = document.querySelector("[data-chosen]");
  const follow = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    all.checked = ticked > 0 && ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
    if (count) count.textContent = ticked ? `${ticked} chosen` : "";
  };
  all.hidden = false;
  all.addEventListener("change", () => { boxes.forEach((box) => { box.checked = all.checked; }); follow(); });
  boxes.forEach((box) => box.addEventListener("change", follow));
  follow();
}

// A secret is shown once: reloading shows the list instead of making another one.
const once = document.querySelector("[data-once]");
if (once) history.replaceState(null, "", once.dataset.once);

// Live numbers: an element with data-live says where to ask; those with data-value are given the member of that name.
const live = document.querySelector("[data-live]");
if (live) {
  const every = Number(live.dataset.every || 5) * 1000;
  const ask = async () => {
    if (document.hidden) return;
    let answer;
    try {
      answer = await fetch(live.dataset.live, { headers: { Accept: "application/json" }, redirect: "error" });
    } catch {
      return;
    }
    if (answer.status === 401) {
      location.reload();
      return;
    }
    if (!answer.ok) return;
    const values = await answer.json();
    for (const place of live.querySelectorAll("[data-value]")) {
      const value = values[place.dataset.value];
      if (value !== undefined && place.textContent !== String(value)) place.textContent = value;
    }
    for (const line of live.querySelectorAll("[data-points]")) {
      const points = values[line.dataset.points];
      if (points !== undefined) line.setAttribute(line.tagName === "polyline" || line.tagName === "polygon" ? "points" : "d", points);
    }
    if (values.reload) location.reload();
  };
  setInterval(ask, every);
}
