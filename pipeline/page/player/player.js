/* The list and the stage together: what is picked is played, and the address tells both. */
"use strict";
(() => {
  const { data, list, stage, html } = distill;
  const root = document.getElementById("traces-player");
  const said = document.getElementById("traces-said");
  let waiting = 0;

  const address = () => {
    const { row, step, beside } = stage.state();
    const pairs = new URLSearchParams(list.told());
    if (row !== null) {
      pairs.set("trace", row.id);
      pairs.set("row", row.at);
      pairs.set("step", step);
      if (beside !== "teacher") pairs.set("beside", beside);
    }
    return `#${pairs}`;
  };
  /* The address follows a moment later, and never while playing: browsers refuse too many changes. */
  const tell = () => {
    clearTimeout(waiting);
    if (stage.state().playing) return;
    waiting = setTimeout(() => {
      try {
        history.replaceState(null, "", address());
      } catch {
        // Some browsers refuse it for files; the button copies the link all the same.
      }
    }, 200);
  };

  const pick = async (row, step = 0, beside = "teacher") => {
    said.textContent = "";
    list.pick(row);
    await stage.show(row, step, beside);
    tell();
  };

  /* The row that a link means: its number if it is of that problem, else the problem's first one. */
  const meant = (pairs) => {
    const id = pairs.get("trace").toLowerCase();
    const same = (row) => row.id === id || (id.length >= 6 && row.id.startsWith(id));
    const row = data.rows[Number(pairs.get("row") ?? -1)];
    if (row && same(row)) return row;
    const own = data.rows.filter(same);
    return own.find((each) => each.block !== null) || own[0] || null;
  };
  const follow = async (url) => {
    clearTimeout(waiting);
    const pairs = new URLSearchParams(new URL(url).hash.slice(1));
    if (!["trace", ...list.KEYS].some((name) => pairs.get(name))) return false;
    list.set(pairs);
    document.getElementById("traces-top").scrollIntoView();
    if (!pairs.get("trace")) return false;
    const row = meant(pairs);
    if (row === null) {
      said.textContent = `The problem ${pairs.get("trace")} is not in this page.`;
      return false;
    }
    const other = data.rows[Number(pairs.get("beside") ?? -1)];
    const beside = other && data.others(row).includes(other) ? other.at : "teacher";
    await pick(row, Math.trunc(Number(pairs.get("step"))) || 0, beside);
    document.getElementById("traces-slider").focus({ preventScroll: true });
    return true;
  };

  const copy = async () => {
    const link = location.href.split("#")[0] + address();
    try {
      await navigator.clipboard.writeText(link);
      said.textContent = "The link is copied.";
    } catch {
      const field = html("input", { readonly: "", "aria-label": "link to this step", value: link });
      said.replaceChildren("The link: ", field);
      field.select();
    }
  };

  list.start((row) => pick(row), tell);
  stage.start(tell);
  list.filter();
  // On the page itself, too, where a key does not scroll it already.
  const loose = ["ArrowLeft", "ArrowRight", "d"];
  const shown = () => root.offsetParent !== null;
  document.addEventListener("keydown", (event) => {
    const free = event.target === document.body && shown() && loose.includes(event.key);
    if (free || root.contains(event.target)) stage.key(event);
  });
  document.getElementById("traces-copy").addEventListener("click", copy);
  // The address of the event: by now what was picked before may stand in the page's own.
  window.addEventListener("hashchange", (event) => follow(event.newURL));
  root.hidden = false;
  performance.mark("distill-traces");
  follow(location.href).then((opened) => {
    const row = list.first();
    if (!opened && row !== null) {
      list.pick(row);
      stage.show(row, 0);
    }
  });
})();
