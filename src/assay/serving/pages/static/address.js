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

/**
 * Those of `wikis`, each { name, indexUrl }, whose edit the address may be: none, the one, or several that it does not
 * tell apart. Wikis of one host are told apart by their paths. Pages may have paths of their own, such as /wiki/, which
 * no index.php shows; so an address that fits no wiki's path may be of any of its host, unless it is an index.php.
 */
export function wikisAt(address, wikis) {
  const onHost = wikis.filter(({ indexUrl }) => desktopHost(new URL(indexUrl)) === desktopHost(address));
  const within = onHost.filter(({ indexUrl }) => address.pathname.startsWith(rootOf(indexUrl)));
  if (!within.length) return /\/index\.php(\/|$)/.test(address.pathname) ? [] : onHost;
  const longest = Math.max(...within.map(({ indexUrl }) => rootOf(indexUrl).length));
  return within.filter(({ indexUrl }) => rootOf(indexUrl).length === longest);
}

/** The path below which all of a wiki lies: its scripts' folder, or the one above a customary /w/. */
function rootOf(indexUrl) {
  return new URL(indexUrl).pathname.replace(/\/(?:w\/)?index\.php$/, "/");
}

/** Its pages for phones count as the wiki's own. */
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
