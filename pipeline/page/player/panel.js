/* One trace of a problem: its heading, what is told of it in words, and the picture that its domain draws. */
"use strict";
distill.panel = (() => {
  const { html, data } = distill;
  const { SIGNS } = distill.list;

  const counted = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
  const position = (n, of) => `${n.toLocaleString("en")} of ${counted(of, "step")}`;

  const verdict = (row) => (row.verdict === null ? null
    : html("span", { class: `verdict ${row.verdict}` }, `${SIGNS[row.verdict] || ""} ${row.verdict}`));

  /* What is told of a row, or of the teacher's trace, of which no more is known than its words. */
  const facts = ({ words = null, level = null, answerWhy = null }, count) => html("ul", { class: "facts" }, [
    words === null ? null : counted(words, "trace word"),
    count === null ? null : counted(count, "step"),
    level === null ? null : `trace ${level}`,
    answerWhy === null ? null : `answer: ${answerWhy}`,
  ].filter((told) => told !== null).map((told) => html("li", {}, told)));

  const mark = (row) => (row === null || row.departure === null ? null
    : { step: row.departure, reason: row.why ?? "no reason is given" });

  /* Where a trace departs and why; reasons of verifiers often name the step themselves. */
  const departs = ({ step, reason }, count) => {
    const place = step >= count ? " after its last step" : reason.includes(`step ${step}`) ? "" : ` at step ${step}`;
    return html("span", {}, `⚠ Departs${place}: ${reason} `);
  };

  const frame = (head, row, ...rest) => html("figure", { class: "panel", "aria-label": row === null ? "teacher" : data.author(row) },
    html("div", { class: "heading" }, head, row === null ? null : verdict(row), rest.shift()), ...rest);

  /* A panel { element, count, mark, told, show } of steps in a scene; `row` is null for the teacher's. `jump` goes to a
  state. What goes wrong in a domain's view stays in its panel. */
  const open = ({ head, row, words, domain, scene, steps, jump }) => {
    const root = html("div", { class: "view" });
    const told = html("p", { class: "told", "aria-live": "polite" });
    const where = html("span", { class: "where" });
    const departed = html("p", { class: "departed" });
    const marked = mark(row);
    if (marked) {
      const button = html("button", { type: "button", class: "go", "aria-label": "Go to this departure" }, "Go there");
      button.addEventListener("click", () => jump(marked.step + 1));
      departed.append(departs(marked, steps.count), button);
    }
    let view = null, state = -1;
    const guarded = (action) => {
      try {
        return action();
      } catch (error) {
        view = null;
        const cause = error instanceof Error ? error.message : String(error);
        root.replaceChildren(html("p", { class: "failed", role: "alert" }, `This picture cannot be drawn: ${cause}.`));
        return "";
      }
    };
    guarded(() => { view = (distill.views[domain] || distill.words).open(root, scene, steps, marked); });
    return {
      element: frame(head, row, where, facts(row || { words }, steps.count), departed, told, root),
      count: steps.count,
      mark: marked,
      told,
      show: (n) => {
        const mine = Math.min(n, steps.count);
        if (mine === state) return;
        state = mine;
        where.textContent = position(mine, steps.count);
        departed.classList.toggle("happened", marked !== null && mine >= Math.min(marked.step + 1, steps.count));
        if (view !== null) guarded(() => view.show(mine));
        told.textContent = view === null ? "" : guarded(() => view.told(mine));
      },
    };
  };

  /* The panel of a row whose steps are not at hand, and the sentence that says why. */
  const closed = (row, sentence) => frame(html("span", { class: "who" }, data.author(row)), row, null, facts(row, row.steps),
    row.departure === null ? null : html("p", { class: "departed" }, departs(mark(row), Infinity)),
    html("p", { class: "missing" }, sentence));

  return { counted, position, open, closed };
})();
