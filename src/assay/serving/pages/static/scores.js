// One card per model: what it says, why, and what it would say if.

import { fill, h, isolate, unseen } from "./dom.js";
import { Explanation, mainFeatures } from "./explanation.js";
import { chance, factWords, featureWords, modelWords, percent } from "./wording.js";

const MAIN_REASONS = 3;

/** A model's score. `update` shows another one beside the first. `tile`: a list item, the score in short. */
export class ScoreCard {
  /**
   * `inject(feature, value)` is called when the reader changes a value, undefined takes it back;
   * `refuse(reason)` when what they typed is no value; `reset()` when they want all first values back.
   */
  constructor(model, cell, { open, ...actions }) {
    this.model = model;
    this.words = modelWords(model.name);
    this.first = cell;
    this.body = h("div", { class: "score-body" });
    this.explanation = cell.error || !cell.explanation ? null : new Explanation(model, cell, { open, ...actions });
    this.reasons = this.explanation && h("div", { class: "main-reasons" });
    this.element = h("article", { class: "card score", "aria-labelledby": `score-${model.name}` });
    this.button = h("button", { type: "button", class: "tile" });
    this.button.addEventListener("click", () => this.#visit());
    this.tile = h("li", {}, this.button);
    fill(this.element, h("div", { class: "score-said" }, this.#head(), this.body, this.reasons ?? []), this.explanation?.element ?? []);
    this.update(cell);
  }

  /** Whether it has nothing to show: why, is told once for all models that failed for the same reason. */
  get isSilent() {
    return this.element.hidden;
  }

  update(cell, changed = false) {
    const before = changed && !this.first.error ? this.first : null;
    this.element.hidden = this.tile.hidden = Boolean(cell.error) && !this.explanation;
    this.element.dataset.tone = cell.error ? "none" : tone(cell, this.words);
    if (cell.error) fill(this.body, errorLine(cell.error));
    else if (isBinary(cell)) fill(this.body, binaryScore(cell, before, this.words));
    else fill(this.body, classScore(cell, before, this.model));
    this.button.dataset.tone = this.element.dataset.tone;
    fill(this.button, tileParts(cell, this.words));
    if (cell.error || !this.explanation) return;
    fill(this.reasons, mainReasons(cell, this.model));
    this.explanation.update(cell);
  }

  /** Opens the reasons and brings the card into view, as a link to it would. */
  #visit() {
    const details = this.explanation?.element;
    if (details) details.open = true;
    const heading = this.element.querySelector("h3");
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    this.element.scrollIntoView({ block: "start", behavior: "auto" });
  }

  #head() {
    return h(
      "header",
      { class: "card-head" },
      h("h3", { id: `score-${this.model.name}` }, this.words.title),
      h("code", { class: "model-version" }, `${this.model.name} ${this.model.version}`),
      this.words.question ? h("p", { class: "question" }, this.words.question) : null,
    );
  }
}

/** The score in short, for the row of all scores. */
function tileParts(cell, words) {
  const title = h("span", { class: "tile-title" }, words.title);
  if (cell.error) return [title, h("span", { class: "tile-words" }, "no score")];
  const binary = isBinary(cell);
  const share = binary ? cell.probability.true : cell.probability[cell.prediction];
  const bar = h("span", { class: "tile-bar" });
  bar.style.setProperty("--share", String(share));
  return [
    title,
    h("span", { class: "tile-figure" }, binary ? percent(share) : String(cell.prediction)),
    h("span", { class: "tile-words" }, binary ? chance(share) : percent(share)),
    h("span", { class: "tile-track", "aria-hidden": "true" }, bar),
  ];
}

/** What moved the predicted outcome most, in words, for readers who do not open the whole list. */
function mainReasons(cell, model) {
  const docs = new Map(model.features.map((feature) => [feature.name, feature.doc]));
  const reasons = mainFeatures(cell, MAIN_REASONS);
  if (!reasons.length) return [];
  const id = `reasons-${model.name}`;
  return [
    h("p", { class: "main-title", id }, isBinary(cell) ? "Main reasons" : ["Main reasons for ", isolate(String(cell.prediction))]),
    h("ul", { "aria-labelledby": id }, reasons.map(({ name, value, contribution }) => reason(factWords(featureWords(name, docs.get(name)), value), contribution))),
  ];
}

function reason(words, contribution) {
  const [arrow_, how] = contribution > 0 ? ["▲ ", "pushes up: "] : ["▼ ", "pushes down: "];
  return h("li", {}, h("span", { class: contribution > 0 ? "up" : "down", "aria-hidden": "true" }, arrow_), unseen(how), words);
}

function isBinary(cell) {
  return "true" in cell.probability;
}

function tone(cell, words) {
  if (!words.badWhen || !isBinary(cell)) return "none";
  const bad = cell.probability[words.badWhen];
  if (bad < 0.4) return "calm";
  return bad < 0.7 ? "caution" : "alarm";
}

function errorLine(problem) {
  return h(
    "p",
    { class: "notice" },
    h("strong", {}, "No score. "),
    problem.message,
    problem.retryable ? " Asking again later may help." : null,
  );
}

function binaryScore(cell, before, words) {
  const now = cell.probability.true;
  const was = visiblyBefore(before?.probability.true, now);
  return [
    h(
      "p",
      { class: "verdict" },
      was === undefined ? null : [h("span", { class: "was" }, unseen("before "), percent(was)), arrow()],
      h("span", { class: "figure" }, percent(now)),
      h("span", { class: "chance" }, chance(now)),
      before && was === undefined ? h("span", { class: "unmoved" }, "unchanged") : null,
    ),
    meter(words.title, now, was, `${percent(now)}, ${chance(now)}`),
  ];
}

function arrow() {
  return [h("span", { class: "arrow", "aria-hidden": "true" }, "→"), unseen(", now ")];
}

function classScore(cell, before, model) {
  const labels = model.labels.map(String).filter((label) => label in cell.probability);
  return [
    h(
      "p",
      { class: "verdict" },
      before && before.prediction !== cell.prediction ? [h("span", { class: "was" }, unseen("before "), String(before.prediction)), arrow()] : null,
      h("span", { class: "figure" }, String(cell.prediction)),
      h("span", { class: "chance" }, `most likely class, ${percent(cell.probability[cell.prediction])}`),
    ),
    h(
      "ul",
      { class: "classes", "aria-label": "All classes" },
      labels.map((label) => classRow(label, cell, before)),
    ),
  ];
}

function classRow(label, cell, before) {
  const now = cell.probability[label];
  const was = visiblyBefore(before?.probability[label], now);
  const chosen = String(cell.prediction) === label;
  return h(
    "li",
    { class: chosen ? "class-row chosen" : "class-row" },
    h("span", { class: "class-name" }, isolate(label)),
    meter(label, now, was, percent(now)),
    h("span", { class: "class-percent" }, was === undefined ? null : h("span", { class: "was" }, percent(was), " → "), percent(now)),
  );
}

/** The probability before, or undefined where the reader would see no difference. */
function visiblyBefore(was, now) {
  return was === undefined || percent(was) === percent(now) ? undefined : was;
}

/** A labelled bar from 0 to 100 %; a tick stays where the score was before. */
function meter(name, now, was, text) {
  const bar = h("div", { class: "bar" });
  bar.style.setProperty("--share", String(now));
  const tick = was === undefined ? null : h("div", { class: "tick" });
  tick?.style.setProperty("--share", String(was));
  const value = (now * 100).toFixed(1);
  return h(
    "div",
    { class: "meter", role: "meter", "aria-label": name, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": value, "aria-valuetext": text },
    bar,
    tick,
  );
}
