// The theme: auto follows the system. A plain script, run before the page is drawn.
"use strict";
(() => {
  const key = "leadbridge.theme";
  const themes = ["auto", "light", "dark"];
  const root = document.documentElement;

  // A browser may forbid storage; then a choice lasts as long as the page.
  const stored = () => { try { return localStorage.getItem(key); } catch { return null; } };
  const store = (theme) => { try { localStorage.setItem(key, theme); } catch { /* not kept */ } };

  let theme = themes.includes(stored()) ? stored() : "auto";
  root.dataset.theme = theme;

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const say = () => { button.textContent = `Theme: ${theme}`; };
    say();
    button.addEventListener("click", () => {
      theme = themes[(themes.indexOf(theme) + 1) % themes.length];
      root.dataset.theme = theme;
      store(theme);
      say();
    });
  });
})();
