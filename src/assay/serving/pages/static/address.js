// Which edit a wiki's own address names, so that a patroller may paste it from the browser or from a list of changes.

const ID = /^[1-9][0-9]{0,18}$/;
const SPECIAL = /Special:(?:Diff|MobileDiff|PermanentLink|Permalink)\/([0-9]+)(?:(?:\/|\.\.\.)([0-9]+|prev))?\/?$/i;

/** `text` as an address on the web; null when it is none. */
export function webAddress(text) {
  try {
    const address = new URL(text);
    return /^https?:$/.test(address.protocol) ? address : null;
  } catch {
    return null;
  }
}

/** The revision id, as text, that `text` is or that it is the address of; null when it names none. */
export function revisionIn(text) {
  if (ID.test(text)) return text;
  const address = webAddress(text);
  if (address === null) return null;
  const query = address.searchParams;
  const diff = query.get("diff");
  if (ID.test(diff)) return diff;
  const oldid = query.get("oldid");
  if (ID.test(oldid) && (diff === null || diff === "prev")) return oldid; // beside "next" or "cur", it is another's
  const [, first, second] = SPECIAL.exec(decoded(query.get("title") ?? address.pathname)) ?? [];
  const named = second === undefined || second === "prev" ? first : second;
  return ID.test(named) ? named : null;
}

/** Whether two addresses are of one wiki; its pages for phones count as its own. */
export function ofOneWiki(address, other) {
  return desktopHost(address) === desktopHost(other);
}

function desktopHost(address) {
  return address.host.replace(".m.", ".");
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
