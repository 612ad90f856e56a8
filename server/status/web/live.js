// Keeps the page as it is now: the server sends sections by server-sent events,
// and what differs in them is changed in place, so that focus and selection stay.
"use strict";

const live = document.getElementById("live");

// idOf is the id as written: that of a form may mean a field of it.
const idOf = (node) => node.getAttribute?.("id") || "";

// morph makes a node what another one is, with as few changes as possible.
function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || idOf(old) !== idOf(fresh)) {
    old.replaceWith(fresh);
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  morphChildren(old, fresh);
}

// morphChildren matches elements by their id where they have one, else by place. What
// stays is not moved, since it would lose the focus: rather goes what is between.
function morphChildren(old, fresh) {
  const wanted = new Set([...fresh.children].map(idOf));
  const byId = new Map();
  for (const child of [...old.children]) {
    if (!idOf(child)) continue;
    if (wanted.has(idOf(child))) byId.set(idOf(child), child);
    else child.remove();
  }
  let at = old.firstChild;
  const drop = () => {
    const next = at.nextSibling;
    at.remove();
    at = next;
  };
  for (const want of [...fresh.childNodes]) {
    const id = idOf(want);
    const same = id && byId.get(id);
    while (same && at && !idOf(at)) drop();
    if (same && same !== at) {
      old.insertBefore(same, at);
      at = same;
    }
    if (!at || (id && !same) || (!id && idOf(at))) {
      old.insertBefore(want, at);
      continue;
    }
    const next = at.nextSibling;
    morph(at, want);
    at = next;
  }
  while (at) drop();
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

// dress adds what only a script can do, and shows times as the reader's clock does.
function dress(root) {
  const today = new Date().toDateString();
  for (const time of root.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    time.textContent = (at.toDateString() === today ? clock : day).format(at);
  }
  for (const button of root.querySelectorAll("button.copy")) button.hidden = !document.execCommand && !navigator.clipboard;
}

// trim takes away the blanks around what is in a section: the page as it was loaded has
// them, what DOMParser makes has not, and then nothing would match by place.
function trim(section) {
  const isBlank = (node) => node?.nodeType === Node.TEXT_NODE && !node.nodeValue.trim();
  while (isBlank(section.firstChild)) section.firstChild.remove();
  while (isBlank(section.lastChild)) section.lastChild.remove();
}

function show(name, html) {
  const section = document.getElementById(name);
  const fresh = section.cloneNode(false);
  fresh.append(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  dress(fresh);
  trim(section);
  trim(fresh);
  const before = document.getElementById("verdict-title").textContent;
  morphChildren(section, fresh);
  const after = document.getElementById("verdict-title").textContent;
  if (before !== after) {
    document.getElementById("announce").textContent = after;
    document.title = "natftpd: " + document.querySelector(".verdict .word").textContent;
  }
}

function say(state, text) {
  if (live.dataset.state === state) return;
  live.dataset.state = state;
  live.textContent = text;
}

const source = new EventSource("/live");
for (const name of ["verdict", "path", "transfers", "throughput", "passive", "sessions", "bans", "timeline"]) {
  source.addEventListener(name, (e) => {
    show(name, e.data);
    say("on", "live");
  });
}
source.onerror = () => say("lost", source.readyState === EventSource.CLOSED ? "not live: load the page again" : "connection lost, trying again");

async function copy(button) {
  const text = button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Browsers keep the clipboard for HTTPS and localhost: select it by hand.
    const range = document.createRange();
    range.selectNodeContents(document.getElementById("address"));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    if (!document.execCommand("copy")) return;
  }
  const label = button.querySelector("span");
  label.textContent = "Copied";
  document.getElementById("announce").textContent = "Address copied";
  setTimeout(() => (label.textContent = "Copy"), 2000);
}

document.addEventListener("click", (e) => {
  const button = e.target.closest("button.copy");
  if (button) copy(button);
});

document.addEventListener("submit", async (e) => {
  e.preventDefault();
  const form = e.target;
  const button = form.querySelector("button");
  const report = form.id === "doctor-form" ? document.getElementById("doctor") : null;
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  if (report) {
    report.hidden = false;
    report.textContent = "Looking at the network …";
  }
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "text/plain" } });
    const text = await answer.text();
    if (report) report.textContent = text;
    else if (!answer.ok) document.getElementById("announce").textContent = text;
  } catch {
    if (report) report.textContent = "The server did not answer. Is it still running?";
  }
  button.removeAttribute("aria-disabled");
});

dress(document);
