"use strict";

const POLL = 2000;
const find = (selector, within = document) => within.querySelector(selector);
const form = find("#fail");
const rows = new Map();
let vendors = [];

async function ask(path, body, method = body ? "POST" : "GET") {
  const answer = await fetch(path, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body && JSON.stringify(body),
  });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error);
  return found;
}

async function attempt(action) {
  const problem = find("#problem");
  try {
    await action();
    problem.hidden = true;
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  }
  await refresh();
}

function copyOf(template) {
  return find(template).content.firstElementChild.cloneNode(true);
}

function showVendor(vendor) {
  let row = rows.get(vendor.name);
  if (!row) {
    row = copyOf("#vendor");
    find(".name", row).textContent = vendor.name;
    find(".webhook", row).hidden = !vendor.events.length;
    find(".webhook input", row).value = vendor.webhook;
    find(".webhook", row).addEventListener("submit", (event) => {
      event.preventDefault();
      const url = find(".webhook input", row).value;
      attempt(() => ask("/api/webhooks", { vendor: vendor.name, url }));
    });
    find(".heal", row).addEventListener("click", () =>
      attempt(() => ask("/api/heal", { vendor: vendor.name })));
    find(".copy", row).addEventListener("click", () =>
      navigator.clipboard.writeText(find(".dsn", row).textContent));
    find("#vendors").append(row);
    rows.set(vendor.name, row);
  }
  const troubles = vendor.troubles.map(
    (one) => one.kind.replaceAll("_", " ") + (one.probability < 1 ? ` ${Math.round(one.probability * 100)} %` : ""));
  row.classList.toggle("failing", troubles.length > 0);
  find(".state", row).textContent = troubles.join(", ") || "well";
  find(".dsn", row).textContent = vendor.dsn;
  find(".url", row).textContent = vendor.url;
}

function showMail(mail) {
  const row = copyOf("#mail");
  row.classList.toggle("stuck", mail.fate !== "delivered");
  find(".number", row).textContent = `#${mail.number}`;
  find(".vendor", row).textContent = mail.vendor;
  find(".subject", row).textContent = mail.subject || "(no subject)";
  find(".people", row).textContent = `${mail.sender || "?"} → ${mail.recipients.join(", ")}`;
  find("time", row).dateTime = mail.accepted;
  find("time", row).textContent = new Date(mail.accepted).toLocaleTimeString();
  const told = new Map(mail.events.map((one) => [`${one.kind} ${one.recipient}`, one]));
  const texts = [...told.values()].map(
    (one) => `${one.kind} posted for ${one.recipient}: ${one.status || "no answer"}`);
  find(".events", row).textContent =
    mail.fate === "delivered" ? texts.join("; ") : "Accepted, and never delivered.";
  return row;
}

function fill(select, options) {
  const before = select.value;
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
  if (options.some(([value]) => value === before)) select.value = before;
}

function showKinds() {
  const name = form.vendor.value;
  const all = vendors.map((one) => one.kinds);
  const own = vendors.find((one) => one.name === name);
  const kinds = own ? own.kinds : Object.assign({}, ...all);
  fill(form.kind, Object.keys(kinds).map((kind) => [kind, kind.replaceAll("_", " ")]));
  find("#meaning").textContent = kinds[form.kind.value] || "";
  for (const label of form.querySelectorAll("[data-for]")) {
    label.hidden = !label.dataset.for.split(" ").includes(form.kind.value);
  }
}

async function refresh() {
  let state, box;
  try {
    [state, box] = await Promise.all([ask("/api/vendors"), ask("/api/mails?limit=50")]);
  } catch {
    find("#summary").textContent = "The command has ended.";
    return;
  }
  const isFirst = !vendors.length;
  vendors = state.vendors;
  vendors.forEach(showVendor);
  if (isFirst) {
    fill(form.vendor, [["*", "all"], ...vendors.map((one) => [one.name, one.name])]);
    showKinds();
  }
  const failing = vendors.filter((one) => one.troubles.length).length;
  const incident = state.incident ? `, playing ${state.incident}` : "";
  find("#summary").textContent =
    `${vendors.length} vendors, ${failing} failing${incident}; ` +
    `${state.mails} ${state.mails === 1 ? "mail" : "mails"} accepted`;
  find("#mails").replaceChildren(...box.mails.map(showMail));
  find("#no-mails").hidden = box.mails.length > 0;
  find("#clear").hidden = !box.mails.length;
}

form.addEventListener("change", showKinds);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const body = { vendor: form.vendor.value, kind: form.kind.value };
  body.probability = Number(form.probability.value) / 100;
  if (form.lasts.value) body.lasts = Number(form.lasts.value);
  for (const name of ["seconds", "retry_after", "status"]) {
    if (!form[name].parentElement.hidden) body[name] = Number(form[name].value);
  }
  attempt(() => ask("/api/fail", body));
});
find("#heal-all").addEventListener("click", () => attempt(() => ask("/api/heal", {})));
find("#clear").addEventListener("click", () => attempt(() => ask("/api/mails", undefined, "DELETE")));

refresh();
setInterval(refresh, POLL);
