// ORES's own page: a wiki, models and revisions in, a table of scores out. Its addresses still work:
// ?wiki=enwiki&revids=1|2&models=damaging|goodfaith&go=1

import { fill, h, isolate } from "./dom.js";

const MOST = 50;
const element = (id) => document.getElementById(id);
const form = element("ui-form");
const wikiField = element("wiki");
const revsField = element("revids");
let known = {}; // wiki → { models: { name: { version } } }
let rows = [];
let order = { column: -1, descending: false };
let asked = new AbortController();

// -- asking --------------------------------------------------------------------------------------

async function get(address, signal) {
  let response;
  try {
    response = await fetch(address, { headers: { Accept: "application/json" }, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server cannot be reached. Check that Assay is running, then try again.");
  }
  const told = await response.json().catch(() => null);
  if (response.ok && told) return told;
  throw new Error(told?.error?.message ?? `The server answered with status ${response.status}. Try again later.`);
}

/** Ids in the order given; null when the field holds something else. */
function revisions() {
  const parts = revsField.value.split(/[\s,|]+/).filter(Boolean);
  const valid = parts.every((part) => /^[1-9][0-9]{0,18}$/.test(part));
  return valid ? [...new Set(parts)] : null;
}

function chosenModels() {
  const boxes = [...form.querySelectorAll("#models input")];
  const checked = boxes.filter((box) => box.checked);
  return (checked.length ? checked : boxes).map((box) => box.value);
}

function check() {
  const ids = revisions();
  const fault =
    ids === null || !ids.length ? "Enter revision ids: whole numbers such as 1290, separated by commas."
    : ids.length > MOST ? `${ids.length} revisions are too many: give at most ${MOST}.`
    : "";
  element("revids-error").textContent = fault;
  element("revids-error").hidden = !fault;
  revsField.setAttribute("aria-invalid", String(Boolean(fault)));
  if (fault) revsField.focus();
  return fault ? null : ids;
}

async function run(remember) {
  const ids = check();
  if (!ids) return;
  const wiki = wikiField.value;
  const models = chosenModels();
  const address = `/v3/scores/${encodeURIComponent(wiki)}/?models=${models.map(encodeURIComponent).join("|")}&revids=${ids.join("|")}`;
  if (remember) history.pushState(null, "", `?wiki=${encodeURIComponent(wiki)}&revids=${ids.join("|")}&models=${models.map(encodeURIComponent).join("|")}&go=1`);
  asked.abort();
  asked = new AbortController();
  const { signal } = asked;
  fill(element("alert"));
  fill(element("raw"), "Raw: ", h("a", { href: address }, h("code", {}, new URL(address, location.href).href)));
  element("answer").setAttribute("aria-busy", "true");
  say("Loading …");
  try {
    const { scores } = (await get(address, signal))[wiki];
    if (signal.aborted) return;
    rows = ids.flatMap((rev) => Object.entries(scores[rev] ?? {}).flatMap(([model, cell]) => cellRows(wiki, model, rev, cell)));
    order = { column: -1, descending: false };
    draw();
    say(`${rows.length} rows.`);
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    rows = [];
    draw();
    fill(element("alert"), h("p", { class: "notice error" }, error.message));
    say("");
  }
  element("answer").setAttribute("aria-busy", "false");
}

function cellRows(wiki, model, rev, cell) {
  if (cell.error) return [{ wiki, model, rev, value: cell.error.type, score: null, error: cell.error.message }];
  return Object.entries(cell.score.probability).map(([value, score]) => ({ wiki, model, rev, value, score, chosen: String(cell.score.prediction) === value }));
}

// -- the table -----------------------------------------------------------------------------------

const COLUMNS = [
  ["Wiki", (row) => row.wiki],
  ["Model", (row) => row.model],
  ["RevID", (row) => row.rev.padStart(20, "0")],
  ["Value", (row) => row.value],
  ["Score", (row) => row.score ?? -1],
];

function draw() {
  const table = element("table");
  table.hidden = rows.length === 0;
  fill(table, h("caption", { class: "visually-hidden" }, "Scores; a heading's button sorts by its column"), head(), h("tbody", {}, sorted().map(line)));
}

function head() {
  const cells = COLUMNS.map(([title], column) => {
    const is = order.column === column;
    const button = h("button", { type: "button", class: "sort" }, title, h("span", { "aria-hidden": "true" }, is ? (order.descending ? " ▼" : " ▲") : ""));
    button.addEventListener("click", () => sortBy(column));
    return h("th", { scope: "col", class: title === "Score" ? "n" : null, "aria-sort": is ? (order.descending ? "descending" : "ascending") : "none" }, button);
  });
  return h("thead", {}, h("tr", {}, cells));
}

function sortBy(column) {
  order = { column, descending: order.column === column && !order.descending };
  draw();
  element("table").querySelectorAll("th button")[column].focus();
}

function sorted() {
  if (order.column === -1) return rows;
  const key = COLUMNS[order.column][1];
  const sign = order.descending ? -1 : 1;
  return rows
    .map((row, place) => [row, place])
    .sort(([a, i], [b, j]) => sign * (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0) || i - j)
    .map(([row]) => row);
}

function line(row) {
  return h(
    "tr",
    { class: row.chosen ? "chosen" : null },
    h("td", {}, row.wiki),
    h("td", {}, row.model),
    h("td", {}, h("a", { href: `/?${new URLSearchParams({ wiki: row.wiki, rev: row.rev })}` }, row.rev)),
    row.error ? h("td", { colspan: "2", class: "fault" }, isolate(row.error)) : [h("td", {}, isolate(row.value)), h("td", { class: "n" }, String(row.score))],
  );
}

function say(text) {
  element("status").textContent = text;
}

// -- the form and the address --------------------------------------------------------------------

/** `checked`: names to tick; none means all. */
function offer(wiki, checked = []) {
  const names = Object.keys(known[wiki]?.models ?? {});
  fill(
    element("models"),
    names.map((name) => h("label", { class: "check-box" }, h("input", { type: "checkbox", value: name, checked: checked.includes(name) }), " ", name)),
  );
}

function follow() {
  const query = new URLSearchParams(location.search);
  const wiki = query.get("wiki");
  if (wiki && !known[wiki]) {
    fill(element("alert"), h("p", { class: "notice error" }, `This server does not score ${wiki}. Choose a wiki from the list.`));
    return undefined;
  }
  if (wiki) wikiField.value = wiki;
  offer(wikiField.value, (query.get("models") ?? "").split("|").filter(Boolean));
  revsField.value = (query.get("revids") ?? "").split("|").filter(Boolean).join(", ");
  if (wiki && revsField.value && query.get("go")) return run(false);
  asked.abort();
  rows = [];
  fill(element("raw"));
  draw();
  return undefined;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  run(true);
});
wikiField.addEventListener("change", () => offer(wikiField.value));
window.addEventListener("popstate", follow);

try {
  known = await get("/v3/scores/");
  fill(wikiField, Object.keys(known).map((name) => h("option", { value: name }, name)));
  const [first] = wikiField.dataset.first.split("|");
  if (known[first]) wikiField.value = first;
  await follow();
} catch (error) {
  fill(element("alert"), h("p", { class: "notice error" }, error.message));
}
element("answer").setAttribute("aria-busy", "false");
