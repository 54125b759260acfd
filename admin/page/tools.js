// The buttons at the top of the page for its theme and its language.

import { fillIn, other, speak, t } from "./lang.js";
import { setAttr, setText } from "./dom.js";

const key = "leadbridge.theme";
const themes = ["auto", "light", "dark"];

// tools begins to work the buttons; spoken is called when the language is another.
export function tools(spoken) {
  const root = document.documentElement;
  const theme = document.getElementById("theme");
  const lang = document.getElementById("lang");
  const say = () => {
    setText(theme, t(`theme.${root.dataset.theme}`));
    setText(lang, t("lang.other"));
    setAttr(lang, "lang", other());
  };
  theme.addEventListener("click", () => {
    root.dataset.theme = themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length];
    try { localStorage.setItem(key, root.dataset.theme); } catch { /* a browser may forbid storage; then it is not kept */ }
    say();
  });
  lang.addEventListener("click", () => {
    speak(other());
    say();
    spoken();
    lang.focus({ preventScroll: true });
  });
  fillIn();
  say();
}
