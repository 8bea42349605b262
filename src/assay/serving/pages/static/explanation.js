// Why a score is what it is, feature by feature, with a field to change each value.

import { breakable, fill, h, unseen } from "./dom.js";
import { featureWords, modelWords, percent, plainNumber, signed } from "./wording.js";

const SHOWN = 8;

/** The contributions of one model's features to one score. */
export class Explanation {
  constructor(model, cell, { open, inject, refuse, reset }) {
    this.model = model;
    this.inject = inject;
    this.refuse = refuse;
    this.first = cell;
    this.cell = cell;
    this.label = firstLabel(cell);
    this.shown = SHOWN;
    this.types = new Map(model.features.map((feature) => [feature.name, feature]));
    this.rows = new Map();
    this.story = h("p", { class: "story" });
    this.list = h("ul", { class: "pushes" });
    this.rest = h("p", { class: "rest" });
    this.more = h("button", { type: "button", class: "quiet" });
    this.resetButton = h("button", { type: "button", class: "quiet reset" }, "Reset values");
    this.more.addEventListener("click", () => this.#showMore());
    this.allowReset(false);
    this.resetButton.addEventListener("click", () => this.mayReset && reset());
    this.element = h("details", { class: "why", open }, h("summary", {}, "Why this score?", unseen(` ${modelWords(model.name).title}`)), this.#content());
    this.#build();
  }

  /** Shows the contributions of `cell` in the rows that are already there. */
  update(cell) {
    this.cell = cell;
    this.#refresh();
  }

  /** Whether there is anything to take back. The button keeps the focus: whoever pressed it goes on from there. */
  allowReset(allowed) {
    this.mayReset = allowed;
    this.resetButton.setAttribute("aria-disabled", String(!allowed));
  }

  /** Puts `value` into the feature's field, as text; undefined puts the first value back. */
  setField(name, value) {
    const row = this.rows.get(name);
    if (!row) return;
    const text = value === undefined ? row.firstText : fieldText(value);
    if (document.activeElement !== row.field || value === undefined) row.field.value = text;
    row.element.classList.toggle("is-changed", value !== undefined);
  }

  /** Says under the feature's field why its value was not taken; "" when it was. */
  tell(name, fault, { isInvalid = true } = {}) {
    const row = this.rows.get(name);
    if (!row) return;
    row.fault.textContent = fault;
    row.fault.hidden = !fault;
    row.field.setAttribute("aria-invalid", String(Boolean(fault) && isInvalid));
  }

  #content() {
    const labels = this.model.labels.map(String).filter((label) => label in this.first.explanation);
    return [
      labels.length > 1 ? this.#labelChoice(labels) : null,
      this.story,
      h("p", { class: "legend" }, h("span", { class: "up" }, "▲ pushes up"), h("span", { class: "down" }, "▼ pushes down"), h("span", {}, "in log-odds, which add up")),
      h("p", { class: "try" }, "Change a value, and see what the score would be."),
      this.list,
      this.rest,
      h("div", { class: "why-foot" }, this.more, this.resetButton),
    ];
  }

  #labelChoice(labels) {
    const id = `label-${this.model.name}`;
    const select = h("select", { id }, labels.map((label) => h("option", { value: label, selected: label === this.label }, label)));
    select.addEventListener("change", () => {
      this.label = select.value;
      this.#build();
    });
    return h("p", { class: "label-choice" }, h("label", { for: id }, "What speaks for and against class "), select);
  }

  #showMore() {
    this.shown = this.shown === SHOWN ? this.ordered.length : SHOWN;
    this.#build();
  }

  /** Orders the rows anew; only when the reader asks for it, never while typing. */
  #build() {
    const size = (feature) => Math.abs(contribution(feature, this.label));
    this.ordered = [...this.cell.features].sort((a, b) => size(b) - size(a));
    const shown = this.ordered.slice(0, this.shown);
    const fields = new Map([...this.rows].map(([name, row]) => [name, row]));
    this.rows = new Map(shown.map((feature) => [feature.name, fields.get(feature.name) ?? this.#row(feature)]));
    fill(this.list, [...this.rows.values()].map((row) => row.element));
    this.more.hidden = this.ordered.length <= SHOWN;
    this.more.textContent = this.shown === SHOWN ? `Show all ${this.ordered.length} features` : `Show the top ${SHOWN}`;
    this.#refresh();
  }

  #row(feature) {
    const about = this.types.get(feature.name) ?? { type: "float", doc: "" };
    const words = featureWords(feature.name, about.doc);
    const field = valueField(feature, about, words);
    const first = this.first.features.find((other) => other.name === feature.name);
    const fill_ = h("div", { class: "push-fill" });
    const text = h("span", { class: "push-text" });
    const fault = h("p", { class: "field-error push-fault", id: `fault-${this.model.name}-${feature.name}`, hidden: true });
    field.setAttribute("aria-describedby", fault.id);
    field.value = fieldText(feature.value);
    field.addEventListener("input", () => this.#changed(feature.name, field, about));
    const element = h(
      "li",
      { class: feature.injected ? "push is-changed" : "push", "data-feature": feature.name },
      h("div", { class: "push-name" }, h("span", { class: "push-words", title: about.doc || null }, words), h("code", {}, breakable(feature.name))),
      field,
      h("div", { class: "push-bar", "aria-hidden": "true" }, fill_),
      text,
      fault,
    );
    return { element, field, fault, fill: fill_, text, firstText: fieldText(first?.value ?? null) };
  }

  #changed(name, field, about) {
    const value = fieldValue(field, about.type);
    const fault = about.type === "int" ? "Enter a whole number." : "Enter a number.";
    this.tell(name, value === null ? fault : "");
    if (value === null) this.refuse(fault);
    else this.inject(name, value);
  }

  #refresh() {
    const shown = [...this.rows.keys()];
    const byName = new Map(this.cell.features.map((feature) => [feature.name, feature]));
    const sizes = shown.map((name) => Math.abs(contribution(byName.get(name), this.label)));
    const largest = Math.max(1e-9, ...sizes);
    for (const name of shown) showPush(this.rows.get(name), contribution(byName.get(name), this.label), largest);
    const rest = this.cell.features.filter((feature) => !this.rows.has(feature.name));
    this.rest.hidden = rest.length === 0;
    const sum = rest.reduce((total, feature) => total + contribution(feature, this.label), 0);
    fill(this.rest, `The other ${rest.length} features together: `, h("b", {}, signed(sum)));
    fill(this.story, ...this.#storyParts());
  }

  #storyParts() {
    const { base, logit } = this.cell.explanation[this.label];
    const from = baseProbability(this.cell.explanation, this.label);
    const to = this.cell.probability[this.label];
    return [
      "Knowing nothing of this edit, the model would say ",
      h("b", {}, percent(from)),
      ` (log-odds ${signed(base)}). Its features make that `,
      h("b", {}, percent(to)),
      ` (${signed(logit)}).`,
    ];
  }
}

/**
 * Up to `most` features that move the predicted label most, largest first: name, value, contribution. None moves
 * nothing, and of several that count the same things (added, added minus removed, …) only the first is told.
 */
export function mainFeatures(cell, most) {
  const label = firstLabel(cell);
  const ordered = cell.features
    .map(({ name, value, contributions }) => ({ name, value, contribution: contributions[label] ?? 0 }))
    .filter(({ contribution }) => !isNothing(contribution))
    .sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution));
  const counted = ordered.map(({ name }) => name.replace(/(_prop)?_delta_(sum|increase|decrease)$/, ""));
  return ordered.filter((_, i) => counted.indexOf(counted[i]) === i).slice(0, most);
}

/** Whether it would be shown as 0.00. */
function isNothing(contribution) {
  return Math.abs(contribution) < 0.005;
}

function firstLabel(cell) {
  const labels = Object.keys(cell.explanation);
  return labels.includes(String(cell.prediction)) ? String(cell.prediction) : labels[0];
}

function contribution(feature, label) {
  return feature?.contributions[label] ?? 0;
}

/** The label's probability when every feature is left out: sigmoid or softmax of the base values. */
function baseProbability(explanation, label) {
  const bases = Object.values(explanation).map((one) => one.base);
  if (bases.length === 1) return 1 / (1 + Math.exp(-bases[0]));
  const highest = Math.max(...bases);
  const sum = bases.reduce((total, base) => total + Math.exp(base - highest), 0);
  return Math.exp(explanation[label].base - highest) / sum;
}

function showPush(row, value, largest) {
  const direction = isNothing(value) ? "none" : value > 0 ? "up" : "down";
  row.element.dataset.direction = direction;
  row.fill.style.setProperty("--size", String(Math.abs(value) / largest));
  const arrow = { up: "▲", down: "▼", none: "" }[direction];
  const words = { up: "pushes up ", down: "pushes down ", none: "no effect " }[direction];
  fill(row.text, h("span", { "aria-hidden": "true" }, arrow), " ", unseen(words), signed(value));
}

function valueField(feature, about, words) {
  const label = { "aria-label": `Value of: ${words}`, class: "push-value", name: feature.name };
  if (about.type === "bool") {
    const choices = [["true", "yes"], ["false", "no"]];
    if (feature.value === null) choices.unshift(["", "unknown"]);
    return h("select", label, choices.map(([value, text]) => h("option", { value }, text)));
  }
  return h("input", { ...label, type: "number", step: about.type === "int" ? "1" : "any", placeholder: feature.value === null ? "unknown" : null }); // no inputmode: the digits of some phones have no minus
}

function fieldText(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "number" ? plainNumber(value) : String(value);
}

/** The field's value as JSON; undefined when it was emptied (back to what it was), null when it is no value. */
function fieldValue(field, type) {
  if (field.value === "") return field.validity?.badInput ? null : undefined;
  if (type === "bool") return field.value === "true";
  const number = Number(field.value);
  if (!Number.isFinite(number)) return null;
  if (type === "int") return Number.isSafeInteger(number) ? number : null;
  return number;
}
