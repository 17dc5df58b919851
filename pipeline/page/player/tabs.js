/* The page's two tabs. The address decides which one is open: #traces, #trace=... and filters (#verdict=...) open the
traces, the name of an element opens the part that holds it, anything else leaves what is open. Without this script
both parts stand one after the other, and the tabs are links. */
"use strict";
(() => {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  if (!tabs.length) return;
  const panels = new Map(tabs.map((tab) => [tab, document.getElementById(tab.getAttribute("aria-controls"))]));
  const left = new Map();
  let current = tabs[0];

  const open = (chosen) => {
    current = chosen;
    for (const [tab, panel] of panels) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      panel.hidden = tab !== chosen;
    }
  };
  const named = (hash) => {
    try { return document.getElementById(decodeURIComponent(hash)); } catch { return null; }
  };
  const follow = () => {
    const hash = location.hash.slice(1);
    const target = document.getElementById(hash.includes("=") ? "part-traces" : "") || named(hash);
    const wanted = tabs.find((tab) => target && panels.get(tab).contains(target));
    if (!wanted || wanted === current) return;
    open(wanted);
    if (hash !== "traces" && hash !== "results") target.scrollIntoView();
  };
  const turn = (tab) => {
    if (tab === current) return;
    left.set(current, location.hash);
    history.replaceState(null, "", left.get(tab) || tab.hash);
    open(tab);
  };
  for (const [at, tab] of tabs.entries()) {
    tab.addEventListener("click", (event) => { event.preventDefault(); turn(tab); });
    tab.addEventListener("keydown", (event) => {
      const places = { Home: 0, End: tabs.length - 1, ArrowLeft: at - 1, ArrowRight: at + 1, " ": at };
      if (!(event.key in places)) return;
      event.preventDefault();
      const next = tabs[(places[event.key] + tabs.length) % tabs.length];
      next.focus();
      turn(next);
    });
  }
  document.documentElement.classList.add("tabbed");
  open(current);
  follow();
  window.addEventListener("hashchange", follow, true); // before the player's: hidden elements take no focus
})();
