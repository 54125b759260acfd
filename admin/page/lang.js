// The language of the page. All its texts are in words-en.js and words-ru.js; the server sends codes and sentences with ids.

import en from "./words-en.js";
import ru from "./words-ru.js";

const key = "leadbridge.lang";
const languages = { en: voice(en, "en-GB"), ru: voice(ru, "ru-RU") };

function voice(words, locale) {
  return { words, locale, forms: new Intl.PluralRules(locale), numbers: new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }) };
}

// A browser may forbid storage; then a choice lasts as long as the page.
const stored = () => { try { return localStorage.getItem(key); } catch { return null; } };
const store = (name) => { try { localStorage.setItem(key, name); } catch { /* not kept */ } };

const known = (name) => Object.hasOwn(languages, name);
const wished = () => (navigator.languages ?? []).map((tag) => tag.slice(0, 2).toLowerCase()).find(known) ?? "en";

let name = known(stored()) ? stored() : wished();

// locale is that of numbers and times.
export const locale = () => languages[name].locale;

// other is the language to which a reader can change.
export const other = () => (name === "en" ? "ru" : "en");

// speak changes the language. What was made before keeps its words: its owner makes it anew.
export function speak(to) {
  name = to;
  store(to);
  fillIn();
}

// fillIn writes the words of what stands in index.html.
export function fillIn() {
  document.documentElement.lang = name;
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = t(node.dataset.text);
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", t(node.dataset.label));
}

// t is a text with its values. A value n is a number that chooses the form.
export function t(id, values = {}) {
  const { words, forms, numbers } = languages[name];
  const found = words[id] ?? id;
  const text = typeof found === "string" ? found : found[forms.select(values.n)] ?? found.other;
  return text.replace(/\{(\w+)\}/g, (whole, of) => {
    const value = values[of];
    return value === undefined ? whole : typeof value === "number" ? numbers.format(value) : String(value);
  });
}

const has = (id) => Object.hasOwn(languages[name].words, id);

// named is the word for a code of the server; one that this page does not know stands for itself.
export const named = (group, code, unknown = code) => (has(`${group}.${code}`) ? t(`${group}.${code}`) : unknown);

// said is what the server says in sentences. Those without an id are there in one language only.
export function said(sentences, text = "") {
  if (!sentences?.length) return text;
  return sentences.map(({ id, params = {}, text: english }) => {
    const values = "kind" in params ? { ...params, kind: named("kind", params.kind) } : params;
    return has(`said.${id}`) ? t(`said.${id}`, values) : english;
  }).join(" ");
}
