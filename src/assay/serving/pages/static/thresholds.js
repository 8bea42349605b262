// Moves the handle over the chart. Every figure that is read out is a cell of the page's own table.

import { debounce } from "./dom.js";

const element = (id) => document.getElementById(id);
const slider = element("at");
const plot = element("plot");
const rows = [...element("table").tBodies[0].rows];
const thresholds = rows.map((row) => Number(row.dataset.at));
const NAMES = ["precision", "recall", "filter_rate", "match_rate"];
let shown = 0; // the slider knows three digits only
const TARGETS = { precision: "recall", recall: "precision" };

/** The first row whose threshold is at least `at`: no score lies between the two. */
function rowAt(at) {
  const place = thresholds.findIndex((threshold) => threshold >= at - 1e-9);
  return rows[place === -1 ? rows.length - 1 : place];
}

function show(at) {
  shown = at;
  const row = rowAt(at);
  const [, ...cells] = row.cells;
  element("read-threshold").textContent = row.cells[0].textContent;
  NAMES.forEach((name, i) => element(`read-${name}`).replaceChildren(...cells[i].cloneNode(true).childNodes));
  const { left, right } = plot.dataset;
  const width = plot.viewBox.baseVal.width - left - right;
  element("cursor").setAttribute("transform", `translate(${Number(left) + Number(slider.value) * width} 0)`);
  const [precision, recall, filtered] = cells.map((cell) => cell.firstChild.textContent.trim());
  slider.setAttribute("aria-valuetext", `${row.cells[0].textContent}: precision ${precision}, recall ${recall}, filter rate ${filtered}`);
  for (const point of document.querySelectorAll(".point[data-at]")) {
    if (rowAt(Number(point.dataset.at)) === row) point.setAttribute("aria-current", "true");
    else point.removeAttribute("aria-current");
  }
  ask(row);
  showIntervals();
}

/** How sure the figures are is worked out by the server for one threshold at a time, once the handle rests. */
const showIntervals = debounce(async () => {
  const at = shown;
  const response = await fetch(`${location.pathname}?${chosen()}`).catch(() => null);
  if (!response?.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  if (shown !== at) return;
  for (const name of NAMES) element(`read-${name}`).replaceChildren(...document.adoptNode(page.getElementById(`read-${name}`)).childNodes);
}, 200);

// -- asking for it -------------------------------------------------------------------------------

function ask(row) {
  const hold = document.querySelector("input[name=hold]:checked").value;
  const held = row.dataset[hold];
  const label = element("path").dataset.label;
  // Never more than the threshold really has, so that it meets its own condition.
  const least = Math.floor(Number(held) * 1000 + 1e-9) / 1000;
  const path = held === "" ? "" : `statistics.thresholds.${label.includes(".") ? `'${label}'` : label}.'maximum ${TARGETS[hold]} @ ${hold} >= ${least}'`;
  const address = element("address").dataset.base + encodeURIComponent(path).replaceAll("'", "%27");
  element("path").textContent = path;
  const link = element("address").firstElementChild;
  link.href = address;
  link.textContent = address;
}

function remember() {
  history.replaceState(null, "", `${location.pathname}?${chosen()}`);
}

/** The form as an address. */
function chosen() {
  const query = new URLSearchParams(new FormData(element("choose")));
  query.set("at", String(shown));
  return query;
}

async function copy(button) {
  const place = element(button.dataset.copy);
  const text = button.dataset.copy === "address" ? new URL(place.firstElementChild.href, location.href).href : place.textContent;
  try {
    await navigator.clipboard.writeText(text);
    say("Copied.");
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(place);
    say("Your browser did not allow copying; the text is selected.");
  }
  setTimeout(() => (button.textContent = "Copy"), 2000);
}

function say(text) {
  element("status").textContent = text;
}

// -- moving --------------------------------------------------------------------------------------

function choose(at) {
  slider.value = String(Math.min(1, Math.max(0, at)));
  show(Number(slider.value));
}

function follow(event) {
  const box = plot.getBoundingClientRect();
  const scale = plot.viewBox.baseVal.width / box.width;
  const { left, right } = plot.dataset;
  choose(((event.clientX - box.left) * scale - left) / (plot.viewBox.baseVal.width - left - right));
}

plot.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  plot.setPointerCapture(event.pointerId);
  follow(event);
  slider.focus({ preventScroll: true });
  event.preventDefault();
});
plot.addEventListener("pointermove", (event) => {
  if (plot.hasPointerCapture(event.pointerId)) follow(event);
});
plot.addEventListener("pointerup", remember);

slider.addEventListener("input", () => show(Number(slider.value)));
slider.addEventListener("change", remember);
for (const point of document.querySelectorAll(".point[data-at]")) {
  point.addEventListener("click", (event) => {
    event.preventDefault();
    slider.value = point.dataset.at;
    const hold = document.querySelector(`input[name=hold][value="${point.dataset.holds ?? ""}"]`);
    if (hold) hold.checked = true;
    show(Number(point.dataset.at));
    remember();
    say(slider.getAttribute("aria-valuetext"));
  });
}
for (const choice of document.querySelectorAll("input[name=hold]")) {
  choice.addEventListener("change", () => {
    show(shown);
    remember();
  });
}
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
element("choose").addEventListener("submit", (event) => event.preventDefault());
show(Number(new URLSearchParams(location.search).get("at") ?? slider.dataset.at));
