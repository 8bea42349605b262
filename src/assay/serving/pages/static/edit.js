// Who changed which page, when and with what words.

import { h, isolate } from "./dom.js";
import { bytes, summary, time } from "./wording.js";

/** `tiles`: one element per model, all scores in short. */
export function editCard(wiki, rev, revision, indexUrl, tiles) {
  return h(
    "section",
    { class: "card edit-card", "aria-labelledby": "edit-title" },
    h(
      "div",
      { class: "edit-main" },
      h("p", { class: "eyebrow" }, `${wiki} · revision ${rev}`),
      h("h2", { id: "edit-title" }, isolate(revision.page.title)),
      facts(revision),
      commentLine(revision),
      problems(revision),
      links(wiki, rev, indexUrl),
    ),
    h("ul", { class: "tiles", "aria-label": "Scores at a glance" }, tiles.map((tile) => h("li", {}, tile))),
  );
}

function facts(revision) {
  const { actor } = revision;
  return h(
    "ul",
    { class: "facts", "aria-label": "About the edit" },
    h("li", { class: "actor" }, actor ? isolate(actor.name) : h("i", {}, "name hidden"), actor?.is_anonymous ? badge("not logged in") : null),
    h("li", {}, h("time", { datetime: revision.timestamp }, time(revision.timestamp))),
    revision.size_bytes === null ? null : h("li", {}, bytes(revision.size_bytes)),
    revision.is_minor ? h("li", {}, badge("minor edit")) : null,
    revision.is_creation ? h("li", {}, badge("new page")) : null,
  );
}

function badge(text) {
  return h("span", { class: "badge" }, text);
}

function commentLine(revision) {
  if (revision.comment === null) return h("p", { class: "comment none" }, "Summary hidden");
  if (!revision.comment.trim()) return h("p", { class: "comment none" }, "No edit summary");
  return h("p", { class: "comment" }, isolate(summary(revision.comment)));
}

function problems(revision) {
  if (!revision.problems?.length) return null;
  return h(
    "ul",
    { class: "notices" },
    revision.problems.map((problem) => h("li", { class: "notice" }, problem.message)),
  );
}

function links(wiki, rev, indexUrl) {
  const scores = `/v3/scores/${encodeURIComponent(wiki)}/${rev}/`;
  return h(
    "p",
    { class: "links" },
    indexUrl ? h("a", { href: diffAddress(indexUrl, rev), rel: "noreferrer" }, "This edit on the wiki") : null,
    h("a", { href: scores }, "The scores as JSON"),
  );
}

function diffAddress(indexUrl, rev) {
  const address = new URL(indexUrl);
  address.searchParams.set("diff", "prev");
  address.searchParams.set("oldid", rev);
  return address.href;
}
