// Characters that nobody sees, made visible: in a change they can hide what it says, or reorder it.

import { h } from "./dom.js";

// controls but tab and line feed, orders to turn the direction, marks of byte order and of annotations
const MISLEADING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]/u;
// Joiners and separators are a part of words in many languages; only where nothing else changed are they told.
const NOTHING_ELSE = /^\p{Cf}+$/u;

/** Text as children for `h` and for `replaceChildren`: strings and marks. */
export function shown(text) {
  if (NOTHING_ELSE.test(text)) return [...text].map(mark);
  if (!MISLEADING.test(text)) return [text];
  return text.split(new RegExp(`(${MISLEADING.source})`, "u")).map((part) => (MISLEADING.test(part) ? mark(part) : part));
}

function mark(character) {
  const code = `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
  return h("span", { class: "code-point", title: "A character that cannot be seen" }, code);
}
