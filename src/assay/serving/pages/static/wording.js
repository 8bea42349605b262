// Plain words for machine names, chances and times.

const QUESTIONS = {
  damaging: { title: "Damaging", question: "Does this edit harm the page?", badWhen: "true" },
  goodfaith: { title: "Good faith", question: "Did the author mean well?", badWhen: "false" },
  reverted: { title: "Reverted", question: "Will somebody undo this edit?", badWhen: "true" },
  articlequality: { title: "Article quality", question: "How complete is the article after this edit?" },
};

/** How a model is presented: title, question, and which outcome is the bad one (absent: neither). */
export function modelWords(name) {
  return QUESTIONS[name] ?? { title: capital(name.replaceAll("_", " ")), question: "" };
}

/** Models in the order of reading: of the edit first, then of the article, then all others. */
export function inReadingOrder(models) {
  const order = Object.keys(QUESTIONS);
  const place = (model) => (order.includes(model.name) ? order.indexOf(model.name) : order.length);
  return [...models].sort((a, b) => place(a) - place(b));
}

/** "93%", with one more digit where a whole number would hide the difference. */
export function percent(probability) {
  const value = probability * 100;
  if (value > 0 && value < 0.1) return "<0.1%";
  if (value < 100 && value > 99.9) return ">99.9%";
  const digits = (value > 0 && value < 1) || (value > 99 && value < 100) ? 1 : 0;
  return `${value.toFixed(digits)}%`;
}

const CHANCES = [
  [0.05, "very unlikely"],
  [0.2, "unlikely"],
  [0.4, "rather unlikely"],
  [0.6, "uncertain"],
  [0.8, "rather likely"],
  [0.95, "likely"],
  [Infinity, "very likely"],
];

/** A chance in words. */
export function chance(probability) {
  // As rounded for display, so that the same figure never gets two words.
  const shown = Math.round(probability * 100) / 100;
  return CHANCES.find(([limit]) => shown < limit)[1];
}

/** "+0.42", with a true minus sign. */
export function signed(value, digits = 2) {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return (0).toFixed(digits);
  return `${value < 0 ? "−" : "+"}${text}`;
}

/** A number short enough to read; with 5 digits exact enough to edit. */
export function plainNumber(value, digits = 5) {
  const whole = Math.trunc(Math.abs(value)).toString().length;
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(Math.max(digits, whole))));
}

const TIME = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });

export function time(iso) {
  const moment = new Date(iso);
  return Number.isNaN(moment.getTime()) ? iso : `${TIME.format(moment)} UTC`;
}

export function bytes(size) {
  return `${size.toLocaleString("en")} byte${size === 1 ? "" : "s"}`;
}

/** "+1,234" or "−56", with a true minus sign. */
export function sizeChange(bytes_) {
  const sign = bytes_ > 0 ? "+" : bytes_ < 0 ? "−" : "±";
  return `${sign}${Math.abs(bytes_).toLocaleString("en")}`;
}

export function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

const LIST = new Intl.ListFormat("en-GB");

/** "a, b and c". */
export function listed(words) {
  return LIST.format(words);
}

// The first letter is of a script that is written from right to left, and the arrow points that way, too.
const RIGHT_TO_LEFT = /^\P{L}*[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}]/u;

/** An edit summary with MediaWiki's marks read: links by their label, the section by its name. */
export function summary(comment) {
  return comment
    .replace(/\/\*\s*(.*?)\s*\*\//g, (_, section) => `${RIGHT_TO_LEFT.test(section) ? "←" : "→"} ${section}:`)
    .replace(/\[\[(?:[^[\]|]*\|)?([^[\]|]+)\]\]/g, "$1")
    .replace(/:$/, "");
}

// -- features ------------------------------------------------------------------------------------

const THINGS = {
  chars: "characters",
  content_chars: "characters of content",
  tokens: "tokens",
  words: "words",
  uppercase_words: "words in capitals",
  uppercase_word: "words in capitals",
  markups: "markup tokens",
  markup: "markup",
  number: "numbers",
  numbers: "numbers",
  word: "words",
  whitespace: "blanks",
  whitespaces: "blanks",
  break: "paragraph breaks",
  breaks: "paragraph breaks",
  punctuation: "punctuation marks",
  punctuations: "punctuation marks",
  url: "web addresses",
  urls: "web addresses",
  entity: "HTML entities",
  entities: "HTML entities",
  cjk: "Chinese, Japanese and Korean characters",
  cjks: "Chinese, Japanese and Korean characters",
  headings: "headings",
  wikilinks: "links to other pages",
  external_links: "links to other sites",
  templates: "templates",
  ref_tags: "references",
  tags: "HTML-like tags",
  list_items: "list items",
  category_links: "categories",
  image_links: "images",
  image_template: "templates that show several images",
  images_in_tags: "images in galleries",
  images_in_templates: "images in templates",
  infobox_templates: "infoboxes",
  infobox_images: "images in the infobox",
  cite_templates: "citation templates",
  cn_templates: "“citation needed” marks",
  who_templates: "“who?” marks",
  main_article_templates: "“main article” notes",
  shortened_footnote_templates: "shortened footnotes",
  paragraphs_without_refs_total_length: "characters in paragraphs without references",
  stems_length: "length of all word stems",
  dict_word: "dictionary words",
  non_dict_word: "words not in the dictionary",
  badwords: "swear words",
  informals: "informal words",
  words_to_watch: "words to watch",
  idioms: "idioms",
  chat: "chat words",
  function_words: "function words",
  vandalism: "vandals' favourite words",
};

const WHOLE = {
  "revision.user.is_anon": "The author is not logged in",
  "revision.user.is_bot": "The author is a bot",
  "revision.user.is_admin": "The author is an administrator",
  "revision.user.is_trusted": "The author has a trusted role",
  "revision.user.is_patroller": "The author is a patroller",
  "revision.user.is_curator": "The author is a curator",
  "revision.user.has_advanced_rights": "The author has advanced rights",
  "temporal.revision.user.seconds_since_registration": "Seconds since the author registered",
  "revision.page.is_articleish": "The page is an article or like one",
  "revision.page.is_mainspace": "The page is an article",
  "revision.page.is_draftspace": "The page is a draft",
  "revision.diff.longest_new_token": "Length of the longest new word",
  "revision.diff.longest_new_repeated_char": "Longest new run of one character",
  "assay.user.type": "Kind of author: 0 not logged in, 1 newcomer, 2 experienced",
  "assay.added.compressed": "How well the added text compresses: low is repetition, high is noise",
  "assay.added.compressed_after_page": "How well the added text compresses beside the page: low fits in",
  "assay.added.non_latin_surplus": "Share of non-Latin letters added, minus the page's own",
};

const DIRECTIONS = { sum: "added minus removed", increase: "added", decrease: "removed" };

/** A feature's name for people; `doc` is its description in the code, used where no rule fits. */
export function featureWords(name, doc = "") {
  const bare = name.replace(/^feature\./, "");
  const logged = bare.match(/^log\(\((.+) \+ 1\)\)$/);
  if (logged) return `${featureWords(logged[1], doc)} (logarithm)`;
  return WHOLE[bare] ?? byRule(bare) ?? shortDoc(doc) ?? capital(bare.replace(/[._]+/g, " "));
}

const SPANS = [["year", 31_557_600], ["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]];

/** "3 days": in the largest unit of which it has two or more. */
function duration(seconds) {
  const [noun, length] = SPANS.find(([, length_]) => seconds >= 2 * length_) ?? SPANS.at(-1);
  return count(Math.floor(seconds / length), noun);
}

/** What is so: a feature's words with its value. What the words explain after a colon is left out, or names the value. */
export function factWords(words, value) {
  const [name, ...explained] = words.replace(/, -?\d( \(\w+\))? to 1\b.*$/, "").split(": ");
  if (value === null) return `${name}: unknown`;
  if (typeof value === "boolean") return `${name}: ${value ? "yes" : "no"}`;
  if (name.startsWith("Seconds since ")) return `${name.replace("Seconds", "Time")}: ${duration(value)}`;
  const meaning = explained.join(": ").split(", ").find((part) => part.startsWith(`${value} `));
  return `${name}: ${meaning ? meaning.slice(`${value} `.length) : plainNumber(value, 3).replace("-", "−")}`;
}

function byRule(bare) {
  const changed = bare.match(/^(?:(\w+)\.)?(\w+)\.revision\.diff\.(\w+?)(_prop)?_delta_(sum|increase|decrease)$/);
  if (changed) return deltaWords(...changed.slice(1));
  const listed = bare.match(/^assay\.(\w+)\.(\w+)\.(added|removed|added_share|removed_share|surplus)$/);
  if (listed && THINGS[listed[2]]) return listWords(...listed.slice(1));
  const matched = bare.match(/^len\(<datasource\.(\w+)\.(\w+)\.revision\.(parent\.)?matches>\)$/);
  if (matched) return placed(`${thing(matched[2])} (${capital(matched[1])})`, matched[3]);
  const counted =
    bare.match(/^len\(<datasource\.wikitext\.revision\.(parent\.)?(\w+)>\)$/) ??
    bare.match(/^(?:wikitext|enwiki|frwiki|ruwiki)\.revision\.(parent\.)?(\w+)$/);
  if (counted && THINGS[counted[2]]) return placed(thing(counted[2]), counted[1]);
  const tokens = bare.match(/^len\(<datasource\.tokenized\(datasource\.revision\.(parent\.)?text\)>\)$/);
  if (tokens) return placed("tokens", tokens[1]);
  const level = bare.match(/^wikitext\.revision\.(parent\.)?headings_by_level\((\d)\)$/);
  if (level) return placed(`headings of level ${level[2]}`, level[1]);
  const ratio = bare.match(/^revision\.(parent\.)?(\w+)_per_(\w+)$/);
  if (ratio && THINGS[ratio[2]]) return placed(`${thing(ratio[2])} per ${ratio[3]}`, ratio[1]);
  const readable = bare.match(/^assay\.article\.(?!(?:prose|era|ratio)\.)(\w+)\.(\w+)$/);
  if (readable && THINGS[readable[2]]) return capital(`${thing(readable[2])} (${capital(readable[1])}) in the readable text`);
  const difference = bare.match(/^revision\.diff\.(\w+)_change$/);
  if (difference && THINGS[difference[1]]) return `Change in the number of ${thing(difference[1])}`;
  return null;
}

function deltaWords(language, family, noun, proportional, direction) {
  const what = noun === "match" ? thing(family) : thing(noun);
  const tongue = language && language !== "wikitext" ? ` (${capital(language)})` : "";
  const how = DIRECTIONS[direction];
  return capital(`${what}${tongue} ${how}${proportional ? ", relative to before" : ""}`);
}

const SHARES = {
  added: "in the added text",
  removed: "in the removed text",
  added_share: "as a share of the added words",
  removed_share: "as a share of the removed words",
  surplus: "as a share of the added words, minus the page's own share",
};

function listWords(language, list, kind) {
  const tongue = language === "any" ? "any language" : capital(language);
  return capital(`${thing(list)} (${tongue}) ${SHARES[kind]}`);
}

function placed(what, parent) {
  return capital(`${what} ${parent ? "before" : "after"} the edit`);
}

function thing(noun) {
  return THINGS[noun] ?? noun.replaceAll("_", " ");
}

/** The code's words for the two texts of an edit, and people's. */
const OF_EDITS = [
  [/, child minus parent$/, " added minus removed"],
  [/ (?:of|in) the parent\b(?!')/g, " before the edit"],
  [/ of the child\b/g, " after the edit"],
  [/ in the child\b/g, " in the text"],
  [/\bthe parent's (\w+)/g, "the $1 of the edit before"],
  [/\bthe parent\b/g, "the edit before"],
  [/\b([Tt])he actor\b/g, "$1he author"],
];

function shortDoc(doc) {
  const sentence = doc.split(/\.(?:\s+(?=\p{Lu})|\s*$)|[;:]\s/u)[0].trim();
  if (!sentence || sentence.length > 90) return null;
  const plain = OF_EDITS.reduce((text, [code, people]) => text.replace(code, people), sentence);
  return capital(plain.replace(/^Whether (?!.*\(-1\))/, ""));
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
