// Who changed which page, when and with what words.

import { h, isolate, unseen } from "./dom.js";
import { bytes, sizeChange, summary, time } from "./wording.js";

/** The wiki's `indexUrl` and `lang` are undefined when they are not known. `tiles`: list items, all scores in short.
 *  `failures`: why some are missing. */
export function editCard(wiki, rev, revision, { indexUrl, lang }, { tiles, failures }) {
  return h(
    "section",
    { class: "card edit-card", "aria-labelledby": "edit-title" },
    h(
      "div",
      { class: "edit-main" },
      h("p", { class: "eyebrow" }, `${wiki} · revision ${rev}`),
      h("h2", { id: "edit-title" }, isolate(revision.page.title, { lang })),
      facts(revision),
      commentLine(revision, lang),
      problems(revision, failures.textContent),
      failures,
      links(wiki, rev, revision, indexUrl),
    ),
    tiles.length ? h("ul", { class: "tiles", "aria-label": "Scores at a glance" }, tiles) : null,
  );
}

function facts(revision) {
  const { actor } = revision;
  return h(
    "ul",
    { class: "facts", "aria-label": "About the edit" },
    h("li", { class: "actor" }, actor ? isolate(actor.name) : h("i", {}, "name hidden"), actor?.is_anonymous ? badge("not logged in") : null),
    h("li", {}, h("time", { datetime: revision.timestamp }, time(revision.timestamp))),
    revision.size_change_bytes === null ? null : sizeChangeItem(revision.size_change_bytes),
    revision.size_bytes === null ? null : h("li", {}, `${bytes(revision.size_bytes)} now`),
    revision.is_minor ? h("li", {}, badge("minor edit")) : null,
    revision.is_creation ? h("li", {}, badge("new page")) : null,
  );
}

function sizeChangeItem(change) {
  const direction = change > 0 ? "size-up" : change < 0 ? "size-down" : "size-same";
  return h("li", { class: `size ${direction}` }, sizeChange(change), unseen(" bytes"));
}

function badge(text) {
  return h("span", { class: "badge" }, text);
}

function commentLine(revision, lang) {
  if (revision.comment === null) return h("p", { class: "comment none" }, "Summary hidden");
  if (!revision.comment.trim()) return h("p", { class: "comment none" }, "No edit summary");
  return h("p", { class: "comment", dir: "auto", lang }, summary(revision.comment));
}

/** What is hidden or missing, unless it is `told` already, as the reason why there are no scores. */
function problems(revision, told) {
  const untold = (revision.problems ?? []).filter((problem) => !told.includes(problem.message));
  if (!untold.length) return null;
  return h(
    "ul",
    { class: "notices" },
    untold.map((problem) => h("li", { class: "notice" }, problem.message)),
  );
}

/** What a reader who has judged an edit does next is done on the wiki. */
function links(wiki, rev, { page, actor }, indexUrl) {
  const scores = `/v3/scores/${encodeURIComponent(wiki)}/${rev}/`;
  const onWiki = (text, query) => h("a", { href: wikiAddress(indexUrl, query), rel: "noreferrer" }, text);
  return h(
    "p",
    { class: "links" },
    indexUrl && [
      onWiki("This edit on the wiki", { diff: "prev", oldid: rev }),
      onWiki("The page's history", { title: page.title, action: "history" }),
      actor?.name ? onWiki("The author's edits", { title: `Special:Contributions/${actor.name}` }) : null,
    ],
    h("a", { href: scores }, "The scores as JSON"),
  );
}

function wikiAddress(indexUrl, query) {
  const address = new URL(indexUrl);
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
  return address.href;
}
