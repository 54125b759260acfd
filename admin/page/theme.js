// The theme: auto follows the system. A plain script, run before the page is drawn; tools.js changes it.
"use strict";
{
  // A browser may forbid storage; then a choice lasts as long as the page.
  const stored = () => { try { return localStorage.getItem("leadbridge.theme"); } catch { return null; } };
  document.documentElement.dataset.theme = ["light", "dark"].includes(stored()) ? stored() : "auto";
}
