/* What plays the rows of a domain without a view of its own: its steps as words, one below the other. */
"use strict";
distill.words = {
  open: (root, scene, steps, mark) => {
    const { html } = distill;
    const lines = steps.words || Array.from({ length: steps.count }, (_, at) => `step ${at}`);
    const items = lines.map((line) => html("li", { hidden: "" }, line));
    const list = html("ol", { class: "words-steps", start: 0, tabindex: "0", "aria-label": "steps so far" }, items);
    root.append(html("pre", { class: "words-scene", tabindex: "0", "aria-label": "problem" }, scene.text || ""), list);
    const departed = mark ? items[mark.step] : null;
    const sign = departed && html("strong", { class: "departure", "data-step": mark.step, title: mark.reason },
      `⚠ departs: ${lines[mark.step]}`);
    let drawn = 0;
    const show = (n) => {
      for (let at = Math.min(drawn, n); at < Math.max(drawn, n); at++) items[at].hidden = at >= n;
      if (drawn > 0) items[drawn - 1].removeAttribute("aria-current");
      if (n > 0) items[n - 1].setAttribute("aria-current", "step");
      if (departed) departed.replaceChildren(n > mark.step ? sign : lines[mark.step]);
      drawn = n;
      if (n > 0) list.scrollTop = items[n - 1].offsetTop - list.offsetTop - list.clientHeight / 2;
    };
    return { show, told: (n) => (n > 0 ? lines[n - 1] : "the problem alone") };
  },
};
