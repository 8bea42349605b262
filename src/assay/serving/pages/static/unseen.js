// Characters that nobody sees, made visible: in a change they can hide what it says, or reorder it.

import { aside } from "./dom.js";

// Controls but tab and line feed, separators of lines, orders to turn the direction, marks of byte order and of
// annotations. U+061C, U+200E and U+200F are not among them: right-to-left languages need them, and they give
// a direction to neighbours that have none, never to letters. docs/reference/pages.md tells the same list.
const MISLEADING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]/gu;
// Joiners and separators are a part of words in many languages; only where nothing else changed are they told.
const INVISIBLE = /\p{Cf}/gu;
const VISIBLE = /\P{Cf}/u;

/** Text as children for `h` and for `replaceChildren`: strings and marks; neighbours that are equal have one mark. */
export function shown(text) {
  const parts = [];
  const sought = VISIBLE.test(text) ? MISLEADING : INVISIBLE;
  let end = 0;
  for (;;) {
    sought.lastIndex = end;
    const found = sought.exec(text);
    if (!found) break;
    const [character] = found;
    if (found.index > end) parts.push(text.slice(end, found.index));
    end = sought.lastIndex;
    while (text.startsWith(character, end)) end += character.length;
    parts.push(mark(character, (end - found.index) / character.length));
  }
  if (end < text.length) parts.push(text.slice(end));
  return parts;
}

function mark(character, times) {
  const code = `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
  const words = times > 1 ? `${code} × ${times.toLocaleString("en")}` : code;
  return aside("span", { class: "code-point", title: "A character that cannot be seen" }, words);
}
