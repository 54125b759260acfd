// Numbers, times and durations in words, as the reader's language has them. Times are in the reader's zone.

import { locale, t } from "./lang.js";

const made = {}; // by locale

// formats are those of the reader's language.
function formats() {
  const tag = locale();
  made[tag] ??= {
    grouped: new Intl.NumberFormat(tag, { maximumFractionDigits: 0 }),
    tenths: new Intl.NumberFormat(tag, { minimumFractionDigits: 1, maximumFractionDigits: 1 }),
    hours: new Intl.DateTimeFormat(tag, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
    minutes: new Intl.DateTimeFormat(tag, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
    days: new Intl.DateTimeFormat(tag, { day: "numeric", month: "short" }),
    years: new Intl.DateTimeFormat(tag, { day: "numeric", month: "short", year: "numeric" }),
    offset: new Intl.DateTimeFormat(tag, { timeZoneName: "shortOffset" }),
  };
  return made[tag];
}

export const count = (n) => formats().grouped.format(n ?? 0);

// rate is a number a second: small ones with a tenth.
export const rate = (n) => (n >= 100 ? formats().grouped : formats().tenths).format(n ?? 0);

// parse reads a time of the server; null where there is none.
export function parse(text) {
  const at = text ? new Date(text) : null;
  return at && !Number.isNaN(at.getTime()) && at.getTime() > 0 ? at : null;
}

export const day = (at) => formats().days.format(at);
export const clock = (at) => formats().hours.format(at);
export const clockMinutes = (at) => formats().minutes.format(at);

// moment is a time of day, with its date where that is not today's.
export function moment(at, now = new Date()) {
  if (at.toDateString() === now.toDateString()) return clock(at);
  return `${(at.getFullYear() === now.getFullYear() ? formats().days : formats().years).format(at)}, ${clock(at)}`;
}

// date is a moment with its date in any case.
export const date = (at) => `${formats().years.format(at)}, ${clock(at)}`;

// lasting is a duration in seconds, in its two largest units.
export function lasting(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  if (s < 60) return t("unit.s", { n: s });
  if (s < 3600) return t("unit.min", { min: Math.floor(s / 60), s: two(s % 60) });
  if (s < 86400) return t("unit.h", { h: Math.floor(s / 3600), min: two(Math.floor((s % 3600) / 60)) });
  return t("unit.d", { d: Math.floor(s / 86400), h: Math.floor((s % 86400) / 3600) });
}

// lag is an age in seconds, with a tenth while that matters.
export const lag = (seconds) => (seconds > 0 && seconds < 10 ? t("unit.s", { n: formats().tenths.format(seconds) }) : lasting(seconds ?? 0));

// zone names the reader's zone and its offset, such as "Europe/Berlin (GMT+1)".
export function zone(now = new Date()) {
  const name = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const offset = formats().offset.formatToParts(now).find((p) => p.type === "timeZoneName")?.value ?? "";
  return offset && offset !== name ? `${name} (${offset})` : name;
}

// midnight is the start of the reader's day in Unix seconds.
export function midnight(now = new Date()) {
  return Math.floor(new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime() / 1000);
}
