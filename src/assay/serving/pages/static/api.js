// The native API, with every failure turned into a sentence for people.

export class ApiError extends Error {
  constructor(message, { status = 0, code = "" } = {}) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function wikis() {
  return ask("/api/wikis");
}

export function recent(wiki, signal) {
  return ask(`/api/${encodeURIComponent(wiki)}/recent?limit=50`, { signal });
}

export function revision(wiki, rev, signal) {
  return ask(revisionPath(wiki, rev), { signal });
}

/** Scores under the assumption that features had the values of `injection`. */
export function whatIf(wiki, rev, injection, signal) {
  return ask(revisionPath(wiki, rev), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ injection }),
    signal,
  });
}

function revisionPath(wiki, rev) {
  return `/api/${encodeURIComponent(wiki)}/revisions/${encodeURIComponent(rev)}`;
}

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: { Accept: "application/json", ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The server cannot be reached. Check that Assay is running, then try again.");
  }
  const document = await response.json().catch(() => null);
  if (response.ok && document !== null) return document;
  throw failure(response, document);
}

function failure(response, document) {
  const told = document?.error?.message;
  const code = document?.error?.code ?? "";
  const status = response.status;
  if (told) return new ApiError(told, { status, code });
  if (status === 503) return new ApiError("The server is busy. Try again in a moment.", { status, code });
  return new ApiError(`The server answered with status ${status} and no reason. Try again later.`, { status, code });
}
