/* The page's two tabs. The address decides which one is open: #traces and #trace=... open the traces, the name of an
element opens the part that holds it, anything else leaves what is open. Without this script both parts stand one after
the other, and the tabs are links. */
"use strict";
(() => {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  if (!tabs.length) return;
  const panel = (tab) => document.getElementById(tab.getAttribute("aria-controls"));
  const open = (chosen) => {
    for (const tab of tabs) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      panel(tab).hidden = tab !== chosen;
    }
    window.dispatchEvent(new Event("resize"));
  };
  const named = (hash) => {
    try { return document.getElementById(decodeURIComponent(hash)); } catch { return null; }
  };
  const follow = () => {
    const hash = location.hash.slice(1);
    const target = named(hash);
    const wanted = /^traces?(=|&|$)/.test(hash)
      ? tabs.find((tab) => panel(tab).id === "part-traces")
      : tabs.find((tab) => panel(tab).contains(target));
    if (!wanted) return;
    const moved = panel(wanted).hidden;
    open(wanted);
    if (moved && target) target.scrollIntoView();
  };
  const keys = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  for (const [at, tab] of tabs.entries()) {
    tab.addEventListener("click", (event) => {
      event.preventDefault();
      history.replaceState(null, "", tab.hash);
      open(tab);
    });
    tab.addEventListener("keydown", (event) => {
      const next = event.key === "Home" ? 0 : event.key === "End" ? tabs.length - 1
        : event.key in keys ? (at + keys[event.key] + tabs.length) % tabs.length : -1;
      if (event.key === " ") { event.preventDefault(); tab.click(); }
      if (next < 0) return;
      event.preventDefault();
      tabs[next].focus();
      tabs[next].click();
    });
  }
  open(tabs[0]);
  follow();
  window.addEventListener("hashchange", follow);
})();
