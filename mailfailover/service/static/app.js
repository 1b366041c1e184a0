// Everything works without this script: it shows times as the reader's clock has them, and
// renews the parts of a page that say where their newer version is.
"use strict";

function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const when = new Date(time.dateTime);
    if (Number.isNaN(when.getTime())) continue;
    time.title = time.dateTime;
    time.textContent = when.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
  }
}

async function renew(part) {
  const answer = await fetch(part.dataset.renew, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const newer = page.getElementById(part.id);
  if (!newer || newer.innerHTML === part.dataset.shown) return;
  part.dataset.shown = newer.innerHTML;
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  part.replaceChildren(...newer.childNodes);
  localTimes(part);
  if (focused) twin(part, focused)?.focus({ preventScroll: true });
}

// The element of a renewed part that took the place of one with the focus.
function twin(part, old) {
  const href = old.getAttribute("href");
  return [...part.querySelectorAll(old.localName)].find(
    (one) => one.getAttribute("href") === href && one.className === old.className,
  );
}

function follow(part) {
  const events = new EventSource(part.dataset.events);
  let waiting = false;
  events.addEventListener("mail", () => {
    if (waiting) return; // many mails at once renew it once
    waiting = true;
    setTimeout(() => {
      waiting = false;
      renew(part);
    }, 200);
  });
  window.addEventListener("pagehide", () => events.close());
}

// A form is sent once, however often its button is pressed; the server sees to that, too.
function sendOnce(form) {
  form.addEventListener("submit", () => {
    setTimeout(() => form.querySelector("button")?.setAttribute("disabled", ""), 0);
  });
  window.addEventListener("pageshow", () => form.querySelector("button")?.removeAttribute("disabled"));
}

document.addEventListener("DOMContentLoaded", () => {
  localTimes(document);
  for (const form of document.querySelectorAll("[data-once]")) sendOnce(form);
  for (const part of document.querySelectorAll("[data-events]")) follow(part);
  document.querySelector("[data-focus]")?.focus();
});
