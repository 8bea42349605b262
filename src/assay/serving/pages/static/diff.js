// The change as a table: one row per line, marked by sign, colour and words.

import { aside, fill, h, unseen } from "./dom.js";
import { count } from "./wording.js";
import { shown } from "./unseen.js";

const FOLD_OVER_CHARS = 260; // unchanged text inside one line longer than this is folded …
const KEPT_CHARS = 90; // … to this much beside each change
const CUT_OVER_CHARS = 2400; // a longer run that was added or removed keeps the others in sight, and is shown …
const CUT_TO_CHARS = 1200; // … as far as this, and its end
const FOLD_OVER_ROWS = 24;
const KEPT_ROWS = 12;

const SIGNS = {
  added: ["+", "Added line"],
  removed: ["−", "Removed line"],
  changed: ["±", "Changed line"],
  equal: [" ", "Line"],
};

/** `lang`: of the wiki's texts, undefined when it is not known. */
export function diffSection(diff, revision, lang) {
  const section = h("section", { class: "card diff", "aria-labelledby": "diff-title" });
  fill(section, heading(diff), body(diff, revision, lang));
  return section;
}

function heading(diff) {
  const sums = diff && [
    h("span", { class: "sum-added" }, `+${diff.added_lines}`, unseen(" added")),
    " ",
    h("span", { class: "sum-removed" }, `−${diff.removed_lines}`, unseen(" removed")),
    " lines",
  ];
  return h(
    "header",
    { class: "card-head" },
    h("h2", { id: "diff-title" }, "What changed"),
    sums && h("p", { class: "sums" }, sums),
  );
}

function body(diff, revision, lang) {
  if (!diff) return h("p", { class: "empty" }, "The change cannot be shown: the text before or after it is hidden or missing.");
  if (!diff.hunks.length) return h("p", { class: "empty" }, "The text is the same as before.");
  return [
    revision.is_creation ? h("p", { class: "empty" }, "This revision created the page.") : null,
    h("div", { class: "diff-scroll" }, table(diff, lang)),
    diff.truncated
      ? h("p", { class: "empty" }, "The change is longer than this; the rest is left out here. The scores regard all of it.")
      : null,
  ];
}

function table(diff, lang) {
  const groups = [];
  let expected = 1;
  for (const hunk of diff.hunks) {
    if (hunk.new_start > expected) groups.push(gap(hunk.new_start - expected));
    const rows = hunkRows(hunk, lang);
    expected = rows.next;
    groups.push(foldable(rows.elements));
  }
  return h(
    "table",
    { class: "diff-table" },
    h("caption", { class: "visually-hidden" }, "Lines that changed, with a few unchanged lines around them"),
    h("colgroup", {}, ["number", "sign", "text"].map((name) => h("col", { class: `col-${name}` }))),
    h(
      "thead",
      { class: "visually-hidden" },
      h("tr", {}, ["Line", "Change", "Text"].map((title) => h("th", { scope: "col" }, title))),
    ),
    groups,
  );
}

function gap(lines) {
  const cell = h("td", { colspan: "3" }, `${count(lines, "unchanged line")} not shown`);
  return h("tbody", {}, h("tr", { class: "gap" }, cell));
}

/** The rows of one hunk, and the line of the new text that follows it. */
function hunkRows(hunk, lang) {
  let oldLine = hunk.old_start;
  let newLine = hunk.new_start;
  const elements = hunk.lines.map((line) => {
    const number = line.kind === "removed" ? oldLine : newLine;
    if (line.kind !== "added") oldLine += 1;
    if (line.kind !== "removed") newLine += 1;
    return row(line, number, lang);
  });
  return { elements, next: newLine };
}

function row(line, number, lang) {
  const [sign, words] = SIGNS[line.kind];
  const text = h("td", { class: "diff-text", dir: "auto", lang });
  if (line.kind === "changed") fill(text, changedParts(line.parts, text));
  else fill(text, wholeLine(line, text));
  return h(
    "tr",
    { class: `line-${line.kind}` },
    h("td", { class: "diff-number" }, String(number)),
    h("td", { class: "diff-sign" }, h("span", { "aria-hidden": "true" }, sign), unseen(words)),
    text,
  );
}

function wholeLine(line, cell) {
  const text = line.parts.map((part) => part.text).join("");
  if (line.kind === "equal") return folded(text, cell, { head: true, tail: false });
  return h(line.kind === "added" ? "ins" : "del", { class: "whole" }, text ? cut(text, line.kind, cell) : "\u00a0");
}

function changedParts(parts, cell) {
  return parts.map((part, i) => {
    if (part.kind === "equal") {
      return folded(part.text, cell, { head: i > 0, tail: i < parts.length - 1 });
    }
    const [tag, words] = part.kind === "added" ? ["ins", "added: "] : ["del", "removed: "];
    return [h(tag, { class: "run" }, aside("span", { class: "visually-hidden" }, words), cut(part.text, part.kind, cell), unseen("; "))];
  });
}

/** Long unchanged text cut to its `head` (after a change) and `tail` (before one), with a button for the rest. */
function folded(text, cell, { head, tail }) {
  if (text.length <= FOLD_OVER_CHARS) return shown(text);
  const start = head ? wordEnd(text, KEPT_CHARS) : 0;
  const end = tail ? wordStart(text, text.length - KEPT_CHARS) : text.length;
  return withoutMiddle(text, start, end, "unchanged", cell);
}

/** An added or removed run; a very long one without its middle. */
function cut(text, kind, cell) {
  if (text.length <= CUT_OVER_CHARS) return shown(text);
  return withoutMiddle(text, wordEnd(text, CUT_TO_CHARS), wordStart(text, text.length - KEPT_CHARS), kind, cell);
}

function withoutMiddle(text, start, end, kind, cell) {
  const hidden = text.slice(start, end);
  const button = aside("button", { type: "button", class: "unfold" }, `… ${count(hidden.length, "character")} …`);
  button.setAttribute("aria-label", `Show ${count(hidden.length, `${kind} character`)}`);
  button.addEventListener("click", () => {
    button.replaceWith(together(shown(hidden)));
    cell.tabIndex = -1;
    cell.focus();
  });
  return [shown(text.slice(0, start)), button, shown(text.slice(end))];
}

/**
 * One element, filled one by one before it is shown: a call does not take as many arguments as a text may have marks,
 * and a cell that finds its direction itself reads its text again for each child that is put into it.
 */
function together(parts) {
  const whole = h("span");
  for (const part of parts) whole.append(part);
  return whole;
}

function wordEnd(text, from) {
  const space = text.indexOf(" ", from);
  return space === -1 || space > from + 30 ? wholeCharacter(text, from) : space + 1;
}

function wordStart(text, from) {
  const space = text.lastIndexOf(" ", from);
  return space < from - 30 ? wholeCharacter(text, from) : space;
}

/** Never between the two halves of a surrogate pair. */
function wholeCharacter(text, at) {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff ? at + 1 : at;
}

function foldable(rows) {
  if (rows.length <= FOLD_OVER_ROWS) return h("tbody", {}, rows);
  const group = h("tbody", {}, rows.slice(0, KEPT_ROWS));
  const rest = rows.slice(KEPT_ROWS);
  const button = h("button", { type: "button", class: "unfold" }, `Show ${count(rest.length, "more line")}`);
  const more = h("tr", { class: "gap" }, h("td", { colspan: "3" }, button));
  button.addEventListener("click", () => {
    more.replaceWith(...rest);
    const first = rest[0].lastElementChild;
    first.tabIndex = -1;
    first.focus();
  });
  group.append(more);
  return group;
}
