// The page: reads the address, asks the API, shows the answer, keeps the address right.

import { revisionIn, webAddress, wikisAt } from "./address.js";
import * as api from "./api.js";
import { ScoreCards, spoken } from "./cards.js";
import { diffSection } from "./diff.js";
import { debounce, fill, h } from "./dom.js";
import { editCard } from "./edit.js";
import { inReadingOrder } from "./wording.js";

const WHAT_IF_DELAY_MS = 250;
const SLOW_AFTER_MS = 4000; // a reader who waits longer wonders whether anything happens
const element = (id) => document.getElementById(id);
const form = element("ask-form");
const wikiField = element("wiki");
const revField = element("rev");

let models = new Map(); // wiki → its models as the API tells them
let recents = new Map(); // wiki → { ids, next }
let shown = null; // { wiki, rev, scores, cards, injection }
let doubted = ""; // the address that was last told to be of several wikis: given again, the reader has chosen
let followed = null; // the part of the address that the page shows
let request = new AbortController();
let whatIfRequest = new AbortController();
let slow = 0; // timer

// -- asking --------------------------------------------------------------------------------------

async function modelsOf(wiki) {
  if (!models.has(wiki)) models = new Map((await api.wikis()).wikis.map((entry) => [entry.name, inReadingOrder(entry.models)]));
  if (!models.has(wiki)) throw new api.ApiError(`This server does not score ${wiki}. Choose a wiki from the list.`);
  return models.get(wiki);
}

async function nextRecent(wiki, signal) {
  let kept = recents.get(wiki);
  if (!kept || kept.next >= kept.ids.length) {
    const ids = (await api.recent(wiki, signal)).revisions;
    if (!ids.length) throw new api.ApiError(`${wiki} has no recent edits. Give a revision id instead.`);
    kept = { ids, next: 0 };
    recents.set(wiki, kept);
  }
  return kept.ids[kept.next++];
}

/** Runs one thing the reader asked for; what they asked for before is given up. */
async function run(action) {
  request.abort();
  dropWhatIf();
  request = new AbortController();
  const { signal } = request;
  element("welcome").hidden = true;
  busy(true);
  complain("");
  try {
    await action(signal);
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    clear();
    complain(error instanceof api.ApiError ? advice(error) : "Something went wrong in this page. Reload it and try again.");
    if (!(error instanceof api.ApiError)) console.error(error);
  }
  if (!signal.aborted) busy(false);
}

function load(wiki, rev, { push }) {
  return run(async (signal) => {
    await loadInto(wiki, rev, signal, push);
  });
}

async function loadInto(wiki, rev, signal, push) {
  if (push) history.pushState(null, "", `?${new URLSearchParams({ wiki, rev })}`);
  followed = location.search;
  const [known, document_] = await Promise.all([modelsOf(wiki), api.revision(wiki, rev, signal)]);
  if (!signal.aborted) show(wiki, rev, known, document_);
}

// -- showing -------------------------------------------------------------------------------------

/** `rev` as text: an id may be too large for a JavaScript number. */
function show(wiki, rev, known, answer) {
  const { revision, scores } = answer;
  dropWhatIf();
  shown = { wiki, rev, scores, injection: new Map() };
  shown.cards = new ScoreCards(known, scores, { isOpen: true, inject, refuse: say, reset });
  const about = wikiField.selectedOptions[0]?.dataset ?? {};
  fill(element("edit"), editCard(wiki, rev, revision, about, shown.cards), diffSection(answer.diff, revision, about.lang), scoresSection(wiki, shown.cards) ?? []);
  element("edit").hidden = false;
  document.title = `${revision.page.title}, revision ${rev} · Assay`;
  say(`Revision ${rev} of ${revision.page.title}. ${spoken(known, scores)}`);
}

/** Null where no model has a score: why, stands above the change. */
function scoresSection(wiki, cards) {
  if (cards.all.length && !cards.tiles.length) return null;
  const none = h("p", { class: "card empty" }, `No model of this server scores edits of ${wiki}.`);
  const title = h("h2", { id: "scores-title", class: "visually-hidden" }, "Scores");
  return h("section", { class: "scores", "aria-labelledby": title.id }, title, cards.all.length ? cards.elements : none);
}

/** As the page begins: an edit that was shown is not the one that the address names. */
function clear() {
  dropWhatIf();
  shown = null;
  fill(element("edit"));
  element("edit").hidden = true;
  element("welcome").hidden = false;
  document.title = "Assay";
}

function welcome() {
  request.abort();
  busy(false);
  say("");
  complain("");
  clear();
}

function busy(is) {
  document.body.classList.toggle("is-busy", is);
  element("result").setAttribute("aria-busy", String(is));
  clearTimeout(slow);
  element("status").classList.toggle("visually-hidden", !is || shown !== null); // the edit that goes fades by itself
  if (!is) return;
  say("Loading …");
  slow = setTimeout(tellSlow, SLOW_AFTER_MS);
}

/** Shown as well as spoken: the moving line alone does not tell whether to go on waiting. */
function tellSlow() {
  say("Still loading. The server is waiting for the wiki or has much to do; this may take a minute.");
  element("status").classList.remove("visually-hidden");
}

function advice(error) {
  return error.status === 404 ? `${error.message} Check the wiki and the id.` : error.message;
}

function say(text) {
  element("status").textContent = text;
}

function complain(message) {
  fill(element("alert"), message ? h("p", { class: "notice error" }, message) : null);
  if (message) say("");
}

// -- what if -------------------------------------------------------------------------------------

function inject(name, value) {
  if (value === undefined) shown.injection.delete(name);
  else shown.injection.set(name, value);
  shown.lastChanged = name;
  for (const explanation of shown.cards.explanations) {
    explanation.setField(name, value);
    explanation.tell(name, "");
    explanation.allowReset(shown.injection.size > 0);
  }
  sendWhatIf();
}

/** What was asked of the edit that is shown; readers may do so while the next one is on its way. */
function dropWhatIf() {
  sendWhatIf.cancel();
  whatIfRequest.abort();
}

function reset() {
  dropWhatIf();
  for (const explanation of shown.cards.explanations) {
    for (const name of shown.injection.keys()) {
      explanation.setField(name, undefined);
      explanation.tell(name, "");
    }
    explanation.allowReset(false);
  }
  shown.injection.clear();
  complain("");
  shown.cards.update(shown.scores, false);
  say("All values are as they were.");
}

const sendWhatIf = debounce(async () => {
  whatIfRequest.abort();
  if (!shown.injection.size) return reset();
  whatIfRequest = new AbortController();
  const { signal } = whatIfRequest;
  const { wiki, rev, injection } = shown;
  try {
    const { scores } = await api.whatIf(wiki, rev, Object.fromEntries(injection), signal);
    if (signal.aborted) return;
    complain("");
    shown.cards.update(scores, true);
    say(`With the changed value: ${spoken(models.get(wiki), scores)}`);
  } catch (error) {
    if (error.name !== "AbortError" && !signal.aborted) refuseChange(error);
  }
}, WHAT_IF_DELAY_MS);

/** Told above all, and under the field: readers who see look there, far below the top of the page. */
function refuseChange(error) {
  complain(error.message);
  for (const explanation of shown.cards.explanations) explanation.tell(shown.lastChanged, error.message, { isInvalid: error.status === 400 });
}

// -- the form and the address --------------------------------------------------------------------

function readRevision() {
  const text = revField.value.trim();
  const rev = revisionIn(text);
  const address = webAddress(text);
  if (rev === null) return refuse("Enter a revision id, a whole number such as 1290, or the address of an edit.", revField);
  const doubt = address ? chooseWikiOf(address) : "";
  if (doubt) return refuse(doubt, doubted === address.href ? wikiField : revField);
  refuse("");
  revField.value = rev;
  return rev;
}

/** Tells what is wrong, nothing when it is "", and takes the reader to the field that mends it. */
function refuse(fault, field) {
  const message = element("rev-error");
  message.hidden = !fault;
  message.textContent = fault;
  revField.setAttribute("aria-invalid", String(Boolean(fault)));
  field?.focus();
  return null;
}

/** Chooses the wiki whose address it is; else says why not. A wiki without an address, such as a dump, may be any. */
function chooseWikiOf(address) {
  const listed = [...wikiField.options].map((option) => ({ name: option.value, indexUrl: option.dataset.indexUrl }));
  const found = wikisAt(address, listed.filter(({ indexUrl }) => indexUrl));
  if (found.length > 1) return chooseAmong(found.map(({ name }) => name), address);
  if (found.length) wikiField.value = found[0].name;
  const mayBeAny = wikiField.selectedOptions[0] && !wikiField.selectedOptions[0].dataset.indexUrl;
  return found.length || mayBeAny ? "" : `This server does not score edits of ${address.host}.`;
}

/** An address that several wikis share is asked about once; given again, it is of the wiki that the list shows. */
function chooseAmong(names, address) {
  if (doubted === address.href && names.includes(wikiField.value)) {
    doubted = "";
    return "";
  }
  doubted = address.href;
  if (!names.includes(wikiField.value)) wikiField.value = names[0];
  return `This address may be of ${names.join(" or ")}. Choose its wiki from the list and press Score it again.`;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const rev = readRevision();
  if (rev === null) return;
  if (matchMedia("(pointer: coarse)").matches) revField.blur(); // a keyboard on the screen would stay, over the answer
  load(wikiField.value, rev, { push: true });
});

element("recent").addEventListener("click", () => {
  const wiki = wikiField.value;
  run(async (signal) => {
    const rev = await nextRecent(wiki, signal);
    if (signal.aborted) return;
    revField.value = String(rev);
    readRevision();
    await loadInto(wiki, String(rev), signal, true);
  });
});

function followAddress() {
  if (location.search === followed) return undefined; // only the fragment changed, by the skip link
  followed = location.search;
  const query = new URLSearchParams(location.search);
  const wiki = query.get("wiki");
  const rev = query.get("rev");
  if (wiki && [...wikiField.options].some((option) => option.value === wiki)) wikiField.value = wiki;
  else if (wiki) {
    welcome();
    return complain(`This server does not score ${wiki}. Choose a wiki from the list.`);
  }
  revField.value = rev ?? "";
  if (!rev || readRevision() === null) return welcome();
  return load(wikiField.value, revField.value.trim(), { push: false });
}

window.addEventListener("popstate", followAddress);
followAddress();
