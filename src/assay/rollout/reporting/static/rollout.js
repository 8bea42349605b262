// Keeps the page as new as the journal, and ages beside times. The page is whole without it.

const LIVE_MS = 2000; // while a rollout is under way
const QUIET_MS = 20000;
const body = document.body;
const element = (id) => document.getElementById(id);

let timer = 0;
let isAsking = false;

// -- asking --------------------------------------------------------------------------------------

async function get(path) {
  const response = await fetch(path, { cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout(15000) });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response;
}

/** The page as it is now; null when this one is as new. */
async function newer() {
  const { version } = await (await get("/api/rollout/version")).json();
  return version === body.dataset.version ? null : (await get(location.pathname + location.search)).text();
}

async function refresh() {
  if (isAsking) return;
  isAsking = true;
  clearTimeout(timer);
  let text = null;
  try {
    text = await newer();
    complain("");
  } catch {
    complain("This page cannot reach its server, so what it shows may be old. It keeps trying.");
  }
  isAsking = false;
  plan();
  if (text !== null) adopt(new DOMParser().parseFromString(text, "text/html"));
  tellAges();
}

/** Nobody looks at a hidden tab: it asks again when it is seen. */
function plan() {
  clearTimeout(timer);
  if (document.hidden) return;
  timer = setTimeout(refresh, body.dataset.live === "yes" ? LIVE_MS : QUIET_MS);
}

// -- showing -------------------------------------------------------------------------------------

/** Takes over what changed of a newer page; what the reader opened, focused or scrolled stays so. */
function adopt(page) {
  const heading = page.getElementById("headline").textContent;
  const before = parts(document);
  const after = parts(page);
  const isSameShape = [...after.keys()].join() === [...before.keys()].join();
  const focusedAgain = finder(document.activeElement);
  if (isSameShape) {
    for (const [name, next] of after) replace(before.get(name), next);
  } else {
    const main = page.getElementById("main");
    for (const id of ["status", "trouble"]) main.querySelector(`#${id}`).replaceWith(element(id));
    replace(element("main"), main);
  }
  if (document.title !== page.title) element("status").textContent = heading;
  document.title = page.title;
  body.dataset.version = page.body.dataset.version;
  body.dataset.live = page.body.dataset.live;
  if (document.activeElement === body) focusedAgain()?.focus({ preventScroll: true });
}

/** Finds what stands in an element's place later, when the element itself was replaced. */
function finder(sought) {
  const home = sought.closest("[id]");
  if (!home) return () => null;
  const place = [...home.querySelectorAll(sought.tagName)].indexOf(sought);
  return () => (place < 0 ? element(home.id) : element(home.id)?.querySelectorAll(sought.tagName)[place]);
}

function parts(root) {
  return new Map([...root.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]));
}

function replace(old, next) {
  for (const details of old.querySelectorAll("details[open][id]")) {
    next.querySelector(`#${CSS.escape(details.id)}`)?.setAttribute("open", "");
  }
  const scrolled = [...old.querySelectorAll(".scroll")].map((box) => [box.scrollLeft, box.scrollTop]);
  const adopted = document.adoptNode(next);
  for (const age of old.querySelectorAll(".ago")) age.textContent = "";
  if (old.outerHTML === adopted.outerHTML) return;
  old.replaceWith(adopted);
  [...adopted.querySelectorAll(".scroll")].forEach((box, place) => box.scrollTo(...(scrolled[place] ?? [0, 0])));
}

function complain(text) {
  const box = element("trouble");
  if (box.textContent === text) return;
  box.textContent = text;
  box.hidden = !text;
}

// -- ages ----------------------------------------------------------------------------------------

function age(seconds) {
  if (seconds < 120) return `${Math.max(0, Math.round(seconds))} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
}

function tellAges() {
  for (const place of document.querySelectorAll(".ago")) {
    place.textContent = `(${age(Date.now() / 1000 - Number(place.dataset.since))} ago)`;
  }
}

document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : refresh()));
tellAges();
plan();
