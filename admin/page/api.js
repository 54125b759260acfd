// What the page asks the server. Every failure is a Problem with words for the reader.

import { said, t } from "./lang.js";

export class Problem extends Error {
  constructor(status, words, field = "") {
    super(words);
    this.status = status;
    this.field = field;
  }
}

const signedOut = new EventTarget();

// onSignedOut calls back when the server no longer knows this session.
export function onSignedOut(call) { signedOut.addEventListener("out", call); }

async function request(method, path, body, signal) {
  let answer;
  try {
    answer = await fetch(path, {
      method, signal, cache: "no-store", credentials: "same-origin", redirect: "error",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (err) {
    if (err.name === "AbortError") throw err;
    throw new Problem(0, t("problem.no-connection"));
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  if (answer.status === 401 && path !== "/api/session") signedOut.dispatchEvent(new Event("out"));
  throw new Problem(answer.status, said(problem.said, problem.detail) || t("problem.status", { status: String(answer.status) }), problem.field);
}

const json = async (...args) => (await request(...args)).json();

export const session = () => json("GET", "/api/session");
export const signIn = (token) => request("POST", "/api/session", { token });
export const beginOIDC = () => json("POST", "/api/session/oidc", {});
export const signOut = () => request("DELETE", "/api/session", {});
export const pause = (paused) => json("POST", "/api/pause", { paused });
export const history = (range, signal) => json("GET", `/api/history?range=${encodeURIComponent(range)}`, undefined, signal);
export const search = (filter, signal) => json("POST", "/api/letters/search", filter, signal);
export const letter = (place, signal) => json("GET", `/api/letters/${encodeURIComponent(place)}`, undefined, signal);
export const reveal = (place) => json("POST", `/api/letters/${encodeURIComponent(place)}/reveal`, {});
export const where = (who) => json("POST", "/api/where", { who });
export const probe = () => json("POST", "/api/probe", {});
export const releaseFlood = () => json("POST", "/api/flood/release", {});
export const closeLetters = (order, word) => json("POST", "/api/letters/close", { ...order, word });
export const eraseLetter = (place, dryRun) => json("POST", `/api/letters/${encodeURIComponent(place)}/erase`, { dryRun });
export const exportLetters = async (order) => (await request("POST", "/api/letters/export", order)).blob();
export const preview = (place, order, signal) => json("POST", `/api/letters/${encodeURIComponent(place)}/preview`, order, signal);
export const find = (place) => json("POST", `/api/letters/${encodeURIComponent(place)}/find`, {});

// replay sends letters back, or says what would be sent. It calls progress with {done, all}
// and gives the last line. Where the stream ends before that, the replay was interrupted
// and what is known of it is in the error's progress.
export async function replay(order, signal, progress) {
  const answer = await request("POST", "/api/replay", order, signal);
  let end = null;
  try {
    for await (const line of lines(answer.body)) {
      if (line.progress) progress(line.progress);
      else end = line;
    }
  } catch (err) {
    if (err.name === "AbortError") throw err;
    throw new Problem(0, t("problem.cut"));
  }
  if (!end) throw new Problem(0, t("problem.cut"));
  return end;
}

// lines reads JSON objects, one a line.
async function* lines(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    rest += value ?? "";
    const parts = rest.split("\n");
    rest = parts.pop();
    for (const part of parts) if (part.trim()) yield JSON.parse(part);
    if (done) break;
  }
  if (rest.trim()) yield JSON.parse(rest);
}
