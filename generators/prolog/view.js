/* Theories step by step: facts and rules, the derivation as an outline that grows and backtracks, its judgement.

   All that happens to a line stands in `steps` (generators/prolog/view.py): nothing is searched here. Every line is
   made once, with the looks that it takes in turn; `show` gives those that differ between two states their look. */
"use strict";
(() => {
  const { html } = distill;
  const KINDS = ["call", "use", "bind", "unbind", "exit", "redo", "fail", "loop", "limit", "reuse", "obtain", "known", "finish", ""];
  const MARKS = ["open", "standing", "failed", "loop", "proven", "proof", "clause", "clause kept", "left", "idle", "note"];
  const SIGNS = {
    open: ["…", "open"], standing: ["✓", "proven"], failed: ["✗", "failed"], loop: ["↺", "loop"],
    proven: ["○", "proven, not in the proof"], proof: ["✓", "in the proof"], clause: ["·", "a clause"],
    "clause kept": ["·", "a clause of the proof"], left: ["·", "a clause that was given up"],
    idle: ["·", "nothing new"], note: ["!", "no step of a search"],
  };
  const DEEPEST = 20; // steps of indentation
  const CLAUSES = new Set(["clause", "clause kept", "left"]);

  /* The lines with their looks, each look with the step that gives it; of each step its line and what it changes. */
  const unpack = (steps) => {
    const { texts } = steps;
    const lines = (steps.depths || []).map((depth) => ({ depth, looks: [], parent: -1 }));
    const above = [];
    lines.forEach((line, at) => {
      while (above.length && lines[above[above.length - 1]].depth >= line.depth) above.pop();
      if (above.length) line.parent = above[above.length - 1];
      above.push(at);
    });
    const changed = (steps.kinds || []).map(() => []);
    const look = (step, at, mark, head, detail) => {
      const { looks } = lines[at], old = looks[looks.length - 1] || { head: "", detail: "" };
      const text = (told, before) => (told < 0 ? "" : told ? texts[told] : before); // 0: as before, -1: none any more
      const now = { step, mark: MARKS[mark], head: text(head, old.head), detail: text(detail, old.detail) };
      if (now.mark === old.mark && now.head === old.head && now.detail === old.detail) return;
      looks.push(now);
      changed[step].push(at);
    };
    let at = 0, next = 0, due = steps.more && steps.more.length ? steps.more[0] : Infinity;
    const told = changed.map((_, step) => {
      at += steps.at[step];
      look(step, at, steps.marks[step], steps.heads[step], steps.details[step]);
      for (; due === step; due = next < steps.more.length ? due + steps.more[next] : Infinity) {
        look(step, ...steps.more.slice(next + 1, next + 5));
        next += 5;
      }
      return { kind: KINDS[steps.kinds[step]], what: texts[steps.what[step]], at, bound: texts[steps.bound[step]] };
    });
    return { lines, changed, told: inUse(lines, told) };
  };

  /* Of each step the goal that it is about, and the clause in use: the goal's own one, or that of a goal above it. */
  const inUse = (lines, told) => {
    const clause = new Map();
    const goalOf = (at) => {
      while (lines[at].parent >= 0 && (CLAUSES.has(lines[at].looks[0].mark) || lines[at].looks[0].mark === "note")) at = lines[at].parent;
      return at;
    };
    return told.map((step) => {
      const goal = goalOf(step.at), tried = clause.has(goal);
      // Words of an event where the search allows none stand on a line of their own.
      const { mark, head } = lines[step.at].looks[0], misplaced = mark === "note" && !(step.kind in BOTH);
      if (step.kind === "use" || step.kind === "reuse") clause.set(goal, step.what);
      let from = goal;
      while (from >= 0 && !clause.has(from)) from = lines[from].parent < 0 ? -1 : goalOf(lines[from].parent);
      return { ...step, tried, misplaced: misplaced ? head : null, goal: lines[goal].looks[0].head, clause: from < 0 ? "" : clause.get(from) };
    });
  };

  const BACKWARD = {
    call: ({ what }) => `call ${what}: it is to be proven`,
    use: ({ what, goal }) => `try ${what} for ${goal}`,
    exit: ({ what }) => `exit: ${what} is proven`,
    redo: ({ what }) => `redo: back into ${what} for another proof`,
    fail: ({ what, tried }) => `fail: nothing ${tried ? "else " : ""}matches ${what}`,
    loop: ({ goal }) => `loop: ${goal} is its own ancestor`,
  };
  const FORWARD = {
    use: ({ what }) => `try ${what} on all that is known`,
    reuse: ({ what }) => `try ${what} again on what is new`,
    obtain: ({ what }) => `obtain ${what}: it is new`,
    known: ({ what }) => `${what} is known already`,
    fail: ({ clause }) => `fail: nothing that is known fits${clause ? ` the body of ${clause}` : ""}`,
    finish: ({ what }) => `done with ${what}`,
  };
  const BOTH = {
    bind: ({ what }) => `bind ${what}`,
    unbind: ({ what }) => `unbind ${what}`,
    limit: () => "the search was cut at its limit of steps",
    "": ({ what }) => `no event: ${what}`,
  };

  const clauses = (scene) => {
    const made = new Map();
    const list = (kind) => (scene[kind].length
      ? html("ul", { class: `prolog-${kind}` }, scene[kind].map(([name, text, head]) => {
        const sign = html("span", { class: "prolog-using", "aria-hidden": "true" });
        const item = html("li", { "aria-current": "false" }, sign, html("span", { class: "prolog-name" }, name), html("span", {}, head === undefined ? text : `${text} → ${head}`.trim()));
        made.set(name, { item, sign });
        return item;
      }))
      : null);
    const element = html("div", { class: "prolog-theory", tabindex: "0", role: "group", "aria-label": "Theory" }, list("facts"), list("rules"));
    return { element, made };
  };

  /* Bring an element into view within its own box; the page stays where it is. */
  const reveal = (box, element) => {
    const outer = box.getBoundingClientRect(), inner = element.getBoundingClientRect();
    if (inner.top < outer.top) box.scrollTop -= outer.top - inner.top + 4;
    else if (inner.bottom > outer.bottom) box.scrollTop += Math.min(inner.bottom - outer.bottom + 4, inner.top - outer.top);
  };

  const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

  const open = (root, scene, steps, mark) => {
    const { lines, changed, told } = unpack(steps);
    const sentences = { ...BOTH, ...(scene.mode === "forward" ? FORWARD : BACKWARD) };
    const total = told.length, count = steps.count, answered = count > total;
    const departs = mark ? Math.min(mark.step, Math.max(count - 1, 0)) : Infinity;
    const theory = clauses(scene);
    const bound = html("dd"), answer = html("dd", { class: "prolog-answer" });
    const ticks = Array.from({ length: count }, (_, step) => html("i", {}, mark && step === departs ? "✗" : null));
    const strip = html("div", { class: "prolog-strip", role: "img" }, ticks);
    const judged = html("p", { class: "prolog-judged" });
    const rows = lines.map((line) => {
      const sign = html("span", { class: "prolog-sign", role: "img" });
      const head = html("span", { class: "prolog-head" }), detail = html("span", { class: "prolog-detail" });
      const element = html("li", { class: "prolog-line", "aria-current": "false" }, sign, html("span", { class: "prolog-text" }, head, detail));
      element.style.setProperty("--depth", Math.min(line.depth, DEEPEST));
      return { element, sign, head, detail };
    });
    const tree = html("ol", { class: "prolog-tree", tabindex: "0", "aria-label": "Derivation" }, rows.map((row) => row.element));
    tree.style.setProperty("--lines", lines.length + (mark ? 2 : 0));
    const answerTerm = html("dt", {}, "Answer");
    root.append(html("div", { class: "prolog" }, theory.element,
      html("dl", { class: "prolog-ask" }, html("dt", {}, "Question"), html("dd", { class: "prolog-question" }, `${scene.question}?`),
        html("dt", {}, "Bindings"), bound, answerTerm, answer),
      count ? html("div", { class: "prolog-judgement" }, judged, strip) : null, total ? tree : null));

    const reason = html("span", { class: "prolog-reason" }, mark ? `✗ departs: ${mark.reason}` : "");
    const place = !mark ? null : mark.step < total ? rows[told[mark.step].at].element : answer;

    const draw = (at, n) => {
      const { looks } = lines[at], row = rows[at];
      let last = looks.length - 1;
      while (last >= 0 && looks[last].step >= n) last -= 1;
      const { mark: kind, head, detail } = last < 0 ? { mark: "", head: "", detail: "" } : looks[last];
      const [sign, meaning] = last < 0 ? ["", ""] : SIGNS[kind];
      row.element.dataset.mark = kind;
      row.sign.textContent = sign;
      row.sign.setAttribute("aria-label", meaning);
      row.head.textContent = head;
      row.detail.textContent = detail;
    };
    const tick = (step, n) => {
      const kind = step >= n ? "prolog-ahead" : mark && step === departs ? "prolog-departs" : mark && step > departs ? "prolog-unjudged" : "prolog-faithful";
      ticks[step].className = kind;
    };
    const depart = (n) => {
      if (!mark) return;
      const happened = n > departs || count === 0;
      place.classList.toggle("departure", happened);
      if (happened) {
        place.dataset.step = mark.step;
        place.title = mark.reason;
        place.append(reason);
      } else {
        delete place.dataset.step;
        place.removeAttribute("title");
        reason.remove();
      }
    };
    const judgement = (n) => {
      const past = Math.min(n, total), faithful = Math.min(past, mark ? mark.step : total);
      const parts = [`${faithful} of ${counted(past, "step")} of the trace faithful`];
      if (mark && n > departs) parts.push(mark.step < total ? `step ${mark.step} departs` : "the answer does not follow");
      if (mark && past > mark.step + 1) parts.push(`${past - mark.step - 1} after it not judged`);
      judged.textContent = parts.join(", ");
      strip.setAttribute("aria-label", `Judgement of each step: ${parts.join(", ")}`);
    };

    let state = 0, current = null, used = null;
    const now = (n) => {
      const step = n && n <= total ? told[n - 1] : null;
      if (current) current.setAttribute("aria-current", "false");
      current = step ? rows[step.at].element : null;
      if (current) current.setAttribute("aria-current", "step");
      if (used) { used.item.setAttribute("aria-current", "false"); used.sign.textContent = ""; }
      used = step ? theory.made.get(step.clause) : null;
      if (used) { used.item.setAttribute("aria-current", "true"); used.sign.textContent = "►"; }
      bound.textContent = (step && step.bound) || "none";
      answer.textContent = !answered ? "none was given" : n > total ? steps.answer || "no words of an answer" : "not yet";
      answer.dataset.given = answered && n > total ? "yes" : "no";
    };
    const draws = (n) => {
      const touched = new Set();
      for (let step = Math.min(n, state); step < Math.max(n, state); step += 1) {
        if (step < total) changed[step].forEach((at) => touched.add(at));
        tick(step, n);
      }
      touched.forEach((at) => draw(at, n));
      state = n;
      now(n);
      depart(n);
      judgement(n);
      if (used) reveal(theory.element, used.item);
      if (current) reveal(tree, current);
      else if (!n) tree.scrollTop = 0;
      else if (mark && mark.step < total) reveal(tree, place);
      if (n && ticks[n - 1]) reveal(strip, ticks[n - 1]);
    };
    const facts = counted(scene.facts.length, "fact"), rules = counted(scene.rules.length, "rule");
    lines.forEach((_, at) => draw(at, 0));
    ticks.forEach((_, step) => tick(step, 0));
    draws(0);
    return {
      show: (n) => draws(Math.max(0, Math.min(n, count))),
      told: (n) => {
        if (n <= 0) return `Does ${scene.question} follow from ${facts} and ${rules}?`;
        if (n > total) return `The answer is ${steps.answer || "none"}.`;
        const step = told[n - 1];
        if (step.misplaced !== null) return `out of place: ${step.misplaced}`;
        return sentences[step.kind] ? sentences[step.kind](step) : `${step.kind} ${step.what}`;
      },
    };
  };

  distill.register("prolog", { open });
})();
