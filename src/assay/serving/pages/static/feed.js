// Keeps the list of edits new without taking the reader's place: asks for the same page again and adopts what is
// new in it. Edits that the reader has seen stay, also when they are no longer among the latest.

import { fill, h } from "./dom.js";
import { showWhole } from "./whole.js";
import { count } from "./wording.js";

const EVERY_MS = 10_000;
const SOON_MS = 2_000; // while scores are late
const LONGEST_MS = 120_000;
const MOST_ENTRIES = 300;

const element = (id) => document.getElementById(id);
const list = element("edits");
const show = element("show");
const keysOn = element("keys-on");
const wiki = decodeURIComponent(location.pathname.split("/").filter(Boolean)[1]);

let timer = 0;
let etag = "";
let failures = 0;
let waitMs = EVERY_MS;
let isPaused = false;
let arrived = []; // new entries that the reader has not asked for yet, newest first
let whole = new AbortController();

// -- asking --------------------------------------------------------------------------------------

function plan() {
  clearTimeout(timer);
  if (isPaused || document.hidden) return;
  timer = setTimeout(refresh, waitMs);
}

async function refresh() {
  clearTimeout(timer);
  try {
    const text = await newer();
    failures = 0;
    complain("");
    if (text !== null) adopt(new DOMParser().parseFromString(text, "text/html"));
    waitMs = document.body.dataset.complete === "no" ? SOON_MS : EVERY_MS;
  } catch (error) {
    failures += 1;
    waitMs = Math.min(LONGEST_MS, Math.max(error.retryMs ?? 0, EVERY_MS * 2 ** failures));
    complain(`${error.told ?? "The server cannot be reached, so this list may be old."} It is asked again in ${Math.round(waitMs / 1000)} s.`);
  }
  tellState();
  plan();
}

/** The page as it is now, as text; null when nothing is new. */
async function newer() {
  const headers = etag ? { "If-None-Match": etag } : {};
  const response = await fetch(location.pathname + location.search, { headers, cache: "no-store", signal: AbortSignal.timeout(30_000) });
  if (response.status === 304) return null;
  const text = await response.text();
  if (!response.ok) throw refusal(response, text);
  etag = response.headers.get("ETag") ?? "";
  return text;
}

function refusal(response, text) {
  const error = new Error(`status ${response.status}`);
  error.told = new DOMParser().parseFromString(text, "text/html").querySelector("main .lead")?.textContent;
  error.retryMs = Number(response.headers.get("Retry-After") ?? 0) * 1000;
  return error;
}

// -- adopting ------------------------------------------------------------------------------------

function adopt(page) {
  document.body.dataset.complete = page.body.dataset.complete;
  const known = new Map([...list.children, ...arrived].map((entry) => [entry.dataset.rev, entry]));
  const fresh = [];
  for (const entry of page.querySelectorAll("#edits > li")) {
    const mine = known.get(entry.dataset.rev);
    if (mine) renew(mine, entry);
    else fresh.push(prepare(document.adoptNode(entry)));
  }
  arrived = [...fresh, ...arrived];
  if (isAtRest()) takeIn();
  else tellArrivals();
  filter();
}

/** Scores that came late, words that were hidden since: what is open or focused stays as it is. */
function renew(mine, next) {
  mine.dataset.chances = next.dataset.chances;
  for (const part of [".entry-words", ".entry-scores"]) {
    const [old, fresh] = [mine.querySelector(part), next.querySelector(part)];
    if (!old.isEqualNode(fresh)) old.replaceWith(document.adoptNode(fresh));
  }
}

/** Nothing that new edits on top could push away: the reader is at the top, reads none and has the keys nowhere. */
function isAtRest() {
  return window.scrollY < 80 && !list.contains(document.activeElement) && !list.querySelector("details[open]");
}

function takeIn() {
  const shown = arrived.filter(isWanted).length;
  list.prepend(...arrived);
  arrived = [];
  for (const entry of [...list.children].slice(MOST_ENTRIES)) if (!entry.querySelector("details[open]")) entry.remove();
  tellArrivals();
  if (shown) say(`${count(shown, "new edit")}.`);
}

function tellArrivals() {
  const button = element("arrivals");
  const wanted = arrived.filter(isWanted).length;
  const text = `Show ${count(wanted, "new edit")}`;
  if (wanted && button.textContent !== text) say(`${count(wanted, "new edit")} to show.`);
  button.textContent = text;
  button.hidden = wanted === 0;
}

function showArrivals() {
  if (!arrived.length) return;
  const first = arrived.find(isWanted) ?? arrived[0];
  takeIn();
  filter();
  focusOn(first);
}

// -- narrowing -----------------------------------------------------------------------------------

function isWanted(entry) {
  const { model, least, most } = show.selectedOptions[0].dataset;
  if (!model) return true;
  const chance = JSON.parse(entry.dataset.chances)[model];
  return chance !== undefined && chance >= Number(least) && chance <= Number(most);
}

function filter() {
  for (const entry of list.children) entry.hidden = !isWanted(entry) && !entry.contains(document.activeElement) && !entry.querySelector("details[open]");
  element("nothing").hidden = entries().length > 0;
  tellState();
}

show.addEventListener("change", () => {
  remember("show", show.value);
  etag = "";
  filter();
  tellMeaning();
  tellArrivals();
  say(`${count(entries().length, "edit")} shown.`);
});

element("wiki")?.addEventListener("change", (event) => location.assign(`${event.target.value}${keysOn.checked ? "" : "?keys=off"}`));

/** In the address, where it can be bookmarked; "" leaves it out. */
function remember(name, value) {
  const query = new URLSearchParams(location.search);
  if (value) query.set(name, value);
  else query.delete(name);
  history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}`);
}

// -- opening -------------------------------------------------------------------------------------

function prepare(entry) {
  const details = entry.querySelector("details");
  details.addEventListener("toggle", () => (details.open ? open(entry) : close(entry)));
  return entry;
}

/** One at a time: two wholes would be too much to read, and their parts have ids. */
function open(entry) {
  whole.abort();
  whole = new AbortController();
  for (const other of list.querySelectorAll("details[open]")) if (!entry.contains(other) && other.matches(".more")) other.open = false;
  showWhole(entry.querySelector(".whole"), wiki, entry.dataset.rev, { lang: list.dataset.lang, say, signal: whole.signal });
}

function close(entry) {
  fill(entry.querySelector(".whole"));
}

// -- keys ----------------------------------------------------------------------------------------

function entries() {
  return [...list.children].filter((entry) => !entry.hidden);
}

function focusOn(entry) {
  const article = entry.querySelector("article");
  article.focus({ preventScroll: true });
  article.scrollIntoView({ block: "nearest" });
}

function move(step) {
  const all = entries();
  const here = all.findIndex((entry) => entry.contains(document.activeElement));
  const next = all[here === -1 ? 0 : Math.min(all.length - 1, Math.max(0, here + step))];
  if (next) focusOn(next);
}

function seeOnWiki() {
  entries().find((entry) => entry.contains(document.activeElement))?.querySelector(".on-wiki-diff")?.click();
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  w: seeOnWiki,
  n: showArrivals,
  p: () => pause(!isPaused),
  "?": () => element("help").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || element("help").open) return;
  if (event.target.closest("input, select, textarea")) return;
  if (event.key === "Enter" && event.target.matches("article")) {
    const details = event.target.querySelector("details");
    details.open = !details.open;
  } else if (keysOn.checked && KEYS[event.key]) KEYS[event.key]();
  else return;
  event.preventDefault();
});

// -- telling -------------------------------------------------------------------------------------

function say(text) {
  element("status").textContent = text;
}

function complain(text) {
  if (element("alert").textContent !== text) fill(element("alert"), text ? h("p", { class: "notice error" }, text) : null);
}

function tellState() {
  const all = list.children.length;
  const shown = entries().length;
  const which = shown === all ? `The latest ${count(all, "edit")}.` : `${shown} of the latest ${count(all, "edit")}.`;
  const how = isPaused ? "Paused." : failures ? "" : "New edits come by themselves.";
  element("state").textContent = `${which} ${how}`;
}

/** Leads from the chosen operating point to what it does. */
function tellMeaning() {
  const { model, condition, meaning } = show.selectedOptions[0].dataset;
  element("meaning").hidden = !model;
  element("meaning").href = `/models/${encodeURIComponent(wiki)}/${encodeURIComponent(model ?? "")}/thresholds?${meaning ?? ""}`;
  element("condition").textContent = condition ?? "";
}

function pause(is) {
  isPaused = is;
  element("pause").setAttribute("aria-pressed", String(is));
  say(is ? "Paused: no new edits until you go on." : "New edits come by themselves.");
  tellState();
  if (is) clearTimeout(timer);
  else refresh();
}

// Who speaks to a computer, or hits keys by chance, can do without single letters.
keysOn.checked = new URLSearchParams(location.search).get("keys") !== "off";
keysOn.addEventListener("change", () => remember("keys", keysOn.checked ? "" : "off"));

element("pause").addEventListener("click", () => pause(!isPaused));
element("arrivals").addEventListener("click", showArrivals);
element("keys").addEventListener("click", () => element("help").showModal());
document.addEventListener("visibilitychange", () => (document.hidden || isPaused ? clearTimeout(timer) : refresh()));

for (const id of ["pause", "keys"]) element(id).hidden = false;
element("apply").hidden = true; // the list follows the choice by itself
[...list.children].forEach(prepare);
if (document.body.dataset.complete === "no") waitMs = SOON_MS;
filter();
plan();
