// Numbers, times and durations in words. Times are in the reader's zone.

const grouped = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const hours = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const minutes = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const days = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const years = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

export const count = (n) => grouped.format(n ?? 0);

// rate is a number a second: small ones with a tenth.
export const rate = (n) => (n >= 100 ? grouped : tenths).format(n ?? 0);

// plural is a number with its noun: "1 letter", "2 letters".
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

// parse reads a time of the server; null where there is none.
export function parse(text) {
  const at = text ? new Date(text) : null;
  return at && !Number.isNaN(at.getTime()) && at.getTime() > 0 ? at : null;
}

export const day = (at) => days.format(at);
export const clock = (at) => hours.format(at);
export const clockMinutes = (at) => minutes.format(at);

// moment is a time of day, with its date where that is not today's.
export function moment(at, now = new Date()) {
  if (at.toDateString() === now.toDateString()) return clock(at);
  return `${(at.getFullYear() === now.getFullYear() ? days : years).format(at)}, ${clock(at)}`;
}

// date is a moment with its date in any case.
export const date = (at) => `${years.format(at)}, ${clock(at)}`;

// lasting is a duration in seconds, in its two largest units.
export function lasting(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, "0")} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

// lag is an age in seconds, with a tenth while that matters.
export const lag = (seconds) => (seconds > 0 && seconds < 10 ? `${tenths.format(seconds)} s` : lasting(seconds ?? 0));

// zone names the reader's zone and its offset, such as "Europe/Berlin (GMT+1)".
export function zone(now = new Date()) {
  const name = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const part = new Intl.DateTimeFormat("en-GB", { timeZoneName: "shortOffset" }).formatToParts(now);
  const offset = part.find((p) => p.type === "timeZoneName")?.value ?? "";
  return offset && offset !== name ? `${name} (${offset})` : name;
}

// midnight is the start of the reader's day in Unix seconds.
export function midnight(now = new Date()) {
  return Math.floor(new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime() / 1000);
}
