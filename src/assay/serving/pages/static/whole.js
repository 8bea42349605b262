// One edit whole, inside a list of edits: its scores with their reasons, and the change.

import * as api from "./api.js";
import { ScoreCards, spoken } from "./cards.js";
import { diffSection } from "./diff.js";
import { fill, h } from "./dom.js";
import { inReadingOrder } from "./wording.js";

const known = new Map(); // wiki → promise of its models as the API tells them

function modelsOf(wiki) {
  if (!known.has(wiki)) {
    const asked = api.wikis().then(({ wikis }) => inReadingOrder(wikis.find((entry) => entry.name === wiki)?.models ?? []));
    asked.catch(() => known.delete(wiki));
    known.set(wiki, asked);
  }
  return known.get(wiki);
}

/** Fills `place`. `say` is told what a screen reader should hear. `lang`: of the wiki's texts, if known. */
export async function showWhole(place, wiki, rev, { lang, say, signal }) {
  fill(place, h("p", { class: "empty" }, "Loading …"));
  place.setAttribute("aria-busy", "true");
  say("Loading …");
  try {
    const [models, answer] = await Promise.all([modelsOf(wiki), api.revision(wiki, rev, signal)]);
    if (signal.aborted) return;
    fill(place, parts(models, answer, wiki, rev, { lang, say }));
    say("The change and the reasons are shown.");
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    const fault = error instanceof api.ApiError ? error.message : "Something went wrong in this page. Reload it and try again.";
    fill(place, h("p", { class: "notice error" }, fault));
    say(fault);
    if (!(error instanceof api.ApiError)) console.error(error);
  } finally {
    if (!signal.aborted) place.setAttribute("aria-busy", "false");
  }
}

function parts(models, answer, wiki, rev, { lang, say }) {
  const { revision, scores } = answer;
  const injection = new Map();
  const cards = new ScoreCards(models, scores, { isOpen: false, inject, refuse: say, reset });
  let asked = new AbortController();

  async function inject(name, value) {
    if (value === undefined) injection.delete(name);
    else injection.set(name, value);
    for (const explanation of cards.explanations) {
      explanation.setField(name, value);
      explanation.tell(name, "");
      explanation.allowReset(injection.size > 0);
    }
    if (!injection.size) return reset();
    asked.abort();
    asked = new AbortController();
    const { signal } = asked;
    try {
      const moved = (await api.whatIf(wiki, rev, Object.fromEntries(injection), signal)).scores;
      if (signal.aborted) return undefined;
      cards.update(moved, true);
      say(`With the changed value: ${spoken(models, moved)}`);
    } catch (error) {
      if (error.name !== "AbortError" && !signal.aborted) {
        say(error.message);
        for (const explanation of cards.explanations) explanation.tell(name, error.message, { isInvalid: error.status === 400 });
      }
    }
    return undefined;
  }

  function reset() {
    asked.abort();
    for (const explanation of cards.explanations) {
      for (const name of injection.keys()) {
        explanation.setField(name, undefined);
        explanation.tell(name, "");
      }
      explanation.allowReset(false);
    }
    injection.clear();
    cards.update(scores, false);
    say("All values are as they were.");
  }

  return [cards.failures, diffSection(answer.diff, revision, lang), h("div", { class: "scores" }, cards.elements)];
}
