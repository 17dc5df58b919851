/* The list of rows with its filters: which rows are shown, in which order, and which one is picked. */
"use strict";
distill.list = (() => {
  const { html, data } = distill;
  const PAGE = 100; // rows that are drawn at once
  const SIGNS = { optimal: "✓", valid: "✓", wrong: "✗", malformed: "✗" };
  const ORDERS = {
    mixed: (a, b) => a.at - b.at,
    id: (a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : a.at - b.at),
    shortest: (a, b) => (a.words ?? Infinity) - (b.words ?? Infinity) || a.at - b.at,
    longest: (a, b) => (b.words ?? -1) - (a.words ?? -1) || a.at - b.at,
    departure: (a, b) => (a.departure ?? 1e9) - (b.departure ?? 1e9) || a.at - b.at,
  };
  const RANKS = ["optimal", "valid", "wrong", "malformed", "exact", "sound", "legal", "none"];
  const NO_TRACE = "not judged";

  /* Menus: what a row has of each. A row without the thing is in no choice but "all". */
  const MENUS = {
    artifact: (row) => data.artifacts[row.artifact].name,
    verdict: (row) => row.verdict,
    level: (row) => row.level ?? NO_TRACE,
    by: (row) => row.by,
    kind: (row) => (row.sample === null ? null : row.sample < 0 ? "greedy" : "sampled"),
    split: (row) => row.split,
  };
  const KEYS = [...Object.keys(MENUS), "playable", "from", "to", "id", "order"];

  const form = document.getElementById("traces-filters");
  const box = document.getElementById("traces-list");
  const more = document.getElementById("traces-more");
  const hits = document.getElementById("traces-hits");
  let found = [], drawn = 0, picked = null, onPick = () => {}, onFilter = () => {};

  const tally = (name) => {
    const counts = new Map();
    for (const row of data.rows) {
      const value = MENUS[name](row);
      if (value !== null) counts.set(value, (counts.get(value) || 0) + 1);
    }
    const rank = (value) => RANKS.indexOf(value); // others keep the order in which they come
    return [...counts].sort((a, b) => rank(a[0]) - rank(b[0]));
  };

  const fill = (name) => {
    const counts = tally(name);
    const menu = form.elements[name];
    menu.replaceChildren(
      html("option", { value: "" }, "all"),
      ...counts.map(([value, count]) => html("option", { value }, `${value} (${count.toLocaleString("en")})`)),
    );
    // A choice of one is none.
    menu.closest("label").hidden = counts.length < 2;
  };

  const number = (name) => (form.elements[name].value.trim() === "" ? null : Number(form.elements[name].value));
  const accepts = () => {
    const asked = Object.keys(MENUS).filter((name) => form.elements[name].value !== "")
      .map((name) => [MENUS[name], form.elements[name].value]);
    const from = number("from"), to = number("to"), id = form.elements.id.value.trim().toLowerCase();
    const playable = form.elements.playable.checked;
    return (row) => asked.every(([of, value]) => of(row) === value)
      && (!playable || row.block !== null)
      && (from === null || (row.words ?? 0) >= from)
      && (to === null || (row.words ?? 0) <= to)
      && (id === "" || row.id.includes(id));
  };

  const cell = (kind, text, title) => html("span", { class: `cell ${kind}`, title }, text);
  const option = (row) => {
    const several = data.artifacts.length > 1 ? [cell("artifact", data.artifacts[row.artifact].name)] : [];
    const judged = row.verdict === null ? [] : [cell(`verdict ${row.verdict}`, `${SIGNS[row.verdict] || ""} ${row.verdict}`)];
    const facts = [
      row.level === null ? null : `trace ${row.level}`,
      row.words === null ? null : `${row.words.toLocaleString("en")} words`,
      row.departure === null ? null : `departs at ${row.departure}`,
      row.block === null ? "no steps here" : null,
    ].filter((each) => each !== null);
    const split = row.split === null || form.elements.split.closest("label").hidden ? "" : `, ${row.split}`;
    const named = { role: "option", id: `traces-row-${row.at}`, "data-row": row.at, "aria-selected": "false" };
    return html("li", named,
      ...judged, cell("author", data.author(row) + split), cell("facts", facts.join(" · ")), cell("id", row.id.slice(0, 12)), ...several);
  };

  const draw = (upTo) => {
    const next = found.slice(drawn, upTo);
    box.append(...next.map(option));
    drawn += next.length;
    more.hidden = drawn >= found.length;
    const left = found.length - drawn;
    more.textContent = left > PAGE ? `Show ${PAGE} more of ${left.toLocaleString("en")}` : `Show the other ${left}`;
    mark();
  };

  const mark = () => {
    for (const old of box.querySelectorAll('[aria-selected="true"]')) old.setAttribute("aria-selected", "false");
    const element = picked === null ? null : document.getElementById(`traces-row-${picked.at}`);
    if (element) {
      element.setAttribute("aria-selected", "true");
      box.setAttribute("aria-activedescendant", element.id);
    } else {
      box.removeAttribute("aria-activedescendant");
    }
    return element;
  };

  const filter = () => {
    found = data.rows.filter(accepts()).sort(ORDERS[form.elements.order.value] || ORDERS.mixed);
    box.replaceChildren();
    drawn = 0;
    draw(PAGE);
    box.scrollTop = 0;
    const none = found.length ? "" : ": no row is like that; change or clear the filters";
    const [hit, all] = [found.length, data.rows.length].map((count) => count.toLocaleString("en"));
    hits.textContent = `${hit} of ${all} ${data.rows.length === 1 ? "row" : "rows"}${none}`;
  };

  /* Marks a row as picked and brings it into view; rows of the next pages are drawn up to it. */
  const pick = (row) => {
    picked = row;
    const at = found.indexOf(row);
    if (at >= drawn) draw(Math.ceil((at + 1) / PAGE) * PAGE);
    const element = mark();
    if (element) {
      const { top, bottom } = element.getBoundingClientRect(), frame = box.getBoundingClientRect();
      if (top < frame.top) box.scrollTop -= frame.top - top;
      if (bottom > frame.bottom) box.scrollTop += bottom - frame.bottom;
    }
  };

  const go = (by) => {
    if (!found.length) return;
    const at = found.indexOf(picked);
    const next = at < 0 ? 0 : Math.min(Math.max(at + by, 0), found.length - 1);
    onPick(found[next]);
  };

  const MOVES = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 };
  box.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key in MOVES) go(MOVES[event.key]);
    else if (event.key === "Enter") onPick(found.includes(picked) ? picked : found[0]);
    else return;
    event.preventDefault();
  });
  box.addEventListener("click", (event) => {
    const item = event.target.closest("[data-row]");
    if (item) onPick(data.rows[Number(item.dataset.row)]);
  });
  more.addEventListener("click", () => {
    draw(drawn + PAGE);
    if (more.hidden) box.focus();
  });
  form.addEventListener("input", () => { filter(); onFilter(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { filter(); onFilter(); }));

  return {
    SIGNS,
    pick,
    filter,
    /* What to open where nothing was asked for: a response that departs, if there is one. */
    first: () => found.find((row) => row.block !== null && row.departure !== null)
      || found.find((row) => row.block !== null) || found[0] || null,
    /* What the filters say, as the pairs of a link; and back. */
    told: () => KEYS.map((name) => [name, form.elements[name]])
      .map(([name, field]) => [name, field.type === "checkbox" ? (field.checked ? "1" : "") : field.value])
      .filter(([name, value]) => value !== "" && !(name === "order" && value === "mixed")),
    KEYS,
    set: (pairs) => {
      for (const name of KEYS) {
        const field = form.elements[name], asked = pairs.get(name);
        const value = field.type === "number" && !/^\d+$/.test(asked ?? "") ? null : asked;
        if (name === "playable") field.checked = value === "1";
        else field.value = value === null && name === "order" ? "mixed" : value ?? "";
        if (field.tagName === "SELECT" && field.selectedIndex < 0) field.selectedIndex = 0;
      }
      filter();
    },
    start: (picking, filtering) => {
      Object.keys(MENUS).forEach(fill);
      [onPick, onFilter] = [picking, filtering];
    },
  };
})();
