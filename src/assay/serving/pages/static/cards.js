// All scores of an edit: a card for each, and one notice for all that failed for the same reason.

import { fill, h } from "./dom.js";
import { ScoreCard } from "./scores.js";
import { chance, listed, modelWords, percent } from "./wording.js";

/** The cards of `models`, as far as `scores` tells them. */
export class ScoreCards {
  /** `isOpen`: whether the first score's reasons are. The actions are those of `ScoreCard`. */
  constructor(models, scores, { isOpen, ...actions }) {
    this.models = models.filter((model) => scores[model.name]);
    const first = this.models.find((model) => !scores[model.name].error);
    this.all = this.models.map((model) => new ScoreCard(model, scores[model.name], { open: isOpen && model === first, ...actions }));
    this.failures = h("ul", { class: "notices failures" });
    this.#tellFailures(scores);
  }

  get elements() {
    return this.all.map((card) => card.element);
  }

  /** Items of the list of all scores in short; none when there is no score. */
  get tiles() {
    return this.all.some((card) => !card.isSilent) ? this.all.map((card) => card.tile) : [];
  }

  get explanations() {
    return this.all.map((card) => card.explanation).filter(Boolean);
  }

  update(scores, changed) {
    for (const card of this.all) if (scores[card.model.name]) card.update(scores[card.model.name], changed);
    this.#tellFailures(scores);
  }

  #tellFailures(scores) {
    const silent = this.all.filter((card) => card.isSilent).map((card) => card.model);
    const groups = failuresOf(silent, scores);
    fill(this.failures, groups.map((group) => h("li", { class: "notice" }, h("strong", {}, `${whose(group, this.models)}. `), reasonOf(group))));
    this.failures.hidden = !groups.length;
  }
}

/** What all cards say, for the status line. */
export function spoken(models, scores) {
  const told = models.filter((model) => scores[model.name]);
  const said = told.filter((model) => !scores[model.name].error).map((model) => `${modelWords(model.name).title}: ${spokenScore(scores[model.name])}.`);
  const failed = failuresOf(told, scores).map((group) => `${whose(group, told)}: ${group.problem.message}`);
  return [...said, ...failed].join(" ");
}

function spokenScore(cell) {
  if ("true" in cell.probability) return `${percent(cell.probability.true)}, ${chance(cell.probability.true)}`;
  return `${cell.prediction}, ${percent(cell.probability[cell.prediction])}`;
}

/** Models without a score by what is told of them: `{ models, problem }` for each message. */
function failuresOf(models, scores) {
  const groups = new Map();
  for (const model of models) {
    const problem = scores[model.name]?.error;
    if (!problem) continue;
    if (!groups.has(problem.message)) groups.set(problem.message, { models: [], problem });
    groups.get(problem.message).models.push(model);
  }
  return [...groups.values()];
}

function whose(group, all) {
  if (group.models.length === all.length && all.length > 1) return "No scores";
  return `No score for ${listed(group.models.map((model) => modelWords(model.name).title))}`;
}

function reasonOf({ problem }) {
  return problem.retryable ? `${problem.message} Asking again later may help.` : problem.message;
}
