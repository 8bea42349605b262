// Elements without markup strings: whatever a wiki wrote can only ever become text.

/**
 * Makes an element. Attributes that are null, undefined or false are left out; true gives an empty one.
 * Children may be strings (as text), nodes, arrays of both, or null.
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

/** Replaces all children. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
}

/** Text that only a screen reader tells. */
export function unseen(text) {
  return h("span", { class: "visually-hidden" }, text);
}

/** What the page itself says inside a wiki's text, which finds its direction by its first letter: it does not count. */
export function aside(tag, attributes, text) {
  return h(tag, { ...attributes, dir: "ltr", lang: "en" }, text);
}

/** Text of unknown direction, kept from reordering its neighbours. */
export function isolate(text, attributes = {}) {
  return h("bdi", attributes, text);
}

/** A long machine name that may break after its dots and underscores. */
export function breakable(name) {
  return name.split(/(?<=[._])/).flatMap((part) => [part, h("wbr")]);
}

/** Calls `action` once calls have paused for `delayMs`. */
export function debounce(action, delayMs) {
  let timer = 0;
  const later = (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...values), delayMs);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}
