/* Two traces of a problem side by side under one slider: panels, their facts, and what moves them. */
"use strict";
distill.stage = (() => {
  const { html, data } = distill;
  const { SIGNS } = distill.list;
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  const part = (name) => document.getElementById(`traces-${name}`);
  const slider = part("slider"), output = part("step"), play = part("play"), speed = part("speed");
  const jump = part("departure"), panels = part("panels"), ticks = part("ticks"), title = part("problem");
  const counted = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
  const position = (n, of) => `${n.toLocaleString("en")} of ${counted(of, "step")}`;
  const TEACHER = "teacher";
  let settled = false, open = [], step = 0, last = 0, row = null, beside = TEACHER, turn = 0, frame = 0, onStep = () => {};

  /* What is told of a row, or of the teacher's trace, of which no more is known than its words. */
  const facts = ({ words = null, level = null, answerWhy = null }, count) => [
    words === null ? null : counted(words, "trace word"),
    counted(count, "step"),
    level === null ? null : `trace ${level}`,
    answerWhy === null ? null : `answer: ${answerWhy}`,
  ].filter((told) => told !== null);

  /* Where a trace departs and why; reasons of verifiers often name the step themselves. */
  const departs = ({ step: at, reason }, count) => {
    const place = at >= count ? " after its last step" : reason.includes(`step ${at}`) ? "" : ` at step ${at}`;
    return html("span", {}, `⚠ Departs${place}: ${reason} `);
  };

  const verdict = (each) => (each.verdict === null ? null
    : html("span", { class: `verdict ${each.verdict}` }, `${SIGNS[each.verdict] || ""} ${each.verdict}`));

  /* A menu of what may stand beside the response: the teacher, and the problem's other responses. */
  const menu = () => {
    const others = data.others(row);
    if (!others.length) return html("span", { class: "who" }, TEACHER);
    const choice = html("select", { "aria-label": "trace to put beside it" },
      html("option", { value: TEACHER }, TEACHER),
      ...others.map((each) => html("option", { value: each.at }, `${data.author(each)}: ${each.verdict ?? ""}, ${counted(each.words ?? 0, "word")}`)));
    choice.value = String(beside);
    choice.addEventListener("change", () => {
      beside = choice.value === TEACHER ? TEACHER : Number(choice.value);
      show(row, step, beside).then(() => {
        panels.querySelector("select")?.focus();
        onStep();
      });
    });
    return choice;
  };

  const failed = (root, error) => {
    root.replaceChildren(html("p", { class: "failed", role: "alert" },
      `This picture cannot be drawn: ${error && error.message ? error.message : error}.`));
  };

  /* One panel: { element, count, mark, show }. What goes wrong in a domain's view stays in its panel. */
  const panel = (heading, each, scene, steps, mark) => {
    const root = html("div", { class: "view" });
    const told = html("p", { class: "told", "aria-live": "polite" });
    const where = html("span", { class: "where" });
    const departed = html("p", { class: "departed" });
    const list = html("ul", { class: "facts" }, facts(each || { words: row.teacherWords }, steps.count).map((fact) => html("li", {}, fact)));
    const element = html("figure", { class: "panel" },
      html("div", { class: "heading" }, heading, each ? verdict(each) : null, where), list, departed, told, root);
    if (mark) {
      const button = html("button", { type: "button", class: "go", "aria-label": "Go to this departure" }, "Go there");
      button.addEventListener("click", () => { stop(); go(mark.step + 1); });
      departed.append(departs(mark, steps.count), button);
    }
    let view = null, state = -1;
    const guarded = (action) => {
      try {
        return action();
      } catch (error) {
        view = null;
        failed(root, error);
        return "";
      }
    };
    guarded(() => { view = (distill.views[data.artifacts[row.artifact].domain] || distill.words).open(root, scene, steps, mark); });
    return {
      element,
      count: steps.count,
      mark,
      told,
      show: (n) => {
        const mine = Math.min(n, steps.count);
        if (mine === state) return;
        state = mine;
        where.textContent = position(mine, steps.count);
        departed.classList.toggle("happened", mark !== null && mine >= Math.min(mark.step + 1, steps.count));
        if (view === null) return;
        guarded(() => view.show(mine));
        told.textContent = view === null ? "" : guarded(() => view.told(mine));
      },
    };
  };

  const markOf = (each) => (each.departure === null ? null : { step: each.departure, reason: each.why ?? "no reason is given" });

  const draw = (n) => {
    step = Math.min(Math.max(n, 0), last);
    slider.value = step;
    slider.setAttribute("aria-valuetext", position(step, last));
    output.textContent = position(step, last);
    for (const each of open) each.show(step);
  };

  const go = (n) => {
    draw(n);
    onStep();
  };

  const playing = () => frame !== 0;
  const stop = () => {
    if (!playing()) return;
    cancelAnimationFrame(frame);
    frame = 0;
    play.textContent = "Play";
    for (const each of open) each.told.setAttribute("aria-live", "polite");
    onStep();
  };
  const start = () => {
    if (!last) return;
    for (const each of open) each.told.setAttribute("aria-live", "off");
    play.textContent = "Pause";
    const from = step >= last ? 0 : step;
    let begin = null;
    const tick = (now) => {
      begin ??= now;
      const n = from + Math.floor((now - begin) / 1000 * Number(speed.value));
      if (n !== step) draw(n);
      if (step >= last) {
        stop();
      } else {
        frame = requestAnimationFrame(tick);
      }
    };
    frame = requestAnimationFrame(tick);
  };
  const toggle = () => (playing() ? stop() : start());

  /* The first departure that is marked: the response's, else that of what stands beside it. */
  const departure = () => [...open].reverse().map((each) => each.mark).find((mark) => mark) || null;

  const tick = () => {
    ticks.replaceChildren(...open.filter((each) => each.mark).map((each) => {
      const sign = html("span", { title: `first departure: ${each.mark.reason}` }, "⚠");
      sign.style.left = `${last ? Math.min(each.mark.step + 1, each.count) / last * 100 : 0}%`;
      return sign;
    }));
  };

  const alone = (sentence) => {
    open = [];
    last = 0;
    const about = row.verdict === null ? [] : [verdict(row)];
    const list = html("ul", { class: "facts" }, facts(row, row.steps ?? 0).map((fact) => html("li", {}, fact)));
    const departed = row.departure === null ? null : html("p", { class: "departed" }, departs(markOf(row), Infinity));
    panels.replaceChildren(html("figure", { class: "panel" },
      html("div", { class: "heading" }, html("span", { class: "who" }, data.author(row)), ...about), list, departed,
      html("p", { class: "missing" }, sentence)));
  };

  const absent = () => {
    const { note, playable, rows } = data.artifacts[row.artifact];
    return note || `The steps of this row are not in this page, which has those of ${playable.toLocaleString("en")} of its ${counted(rows, "row")}.`;
  };

  const settle = () => {
    const idle = !last;
    for (const each of [slider, play, speed, part("first"), part("back"), part("forward"), part("last")]) each.disabled = idle;
    jump.disabled = departure() === null;
    slider.max = last;
    tick();
  };

  /* Opens a row at a step, with the teacher or another row beside it. */
  const show = async (asked, n, other = TEACHER) => {
    stop();
    settled = false;
    const mine = ++turn;
    [row, beside] = [asked, other];
    title.textContent = `Problem ${row.id}`;
    part("source").textContent = data.artifacts[row.artifact].name;
    part("stage").hidden = false;
    try {
      if (row.block === null) {
        alone(absent());
      } else {
        const block = await data.block(row.block);
        if (mine !== turn) return;
        const named = (name) => html("span", { class: "who" }, name);
        const second = beside === TEACHER ? null : data.rows[beside];
        const left = second === null ? panel(row.place < 0 ? named(data.author(row)) : menu(), row.place < 0 ? row : null, block.scene, block.teacher, row.place < 0 ? markOf(row) : null)
          : panel(menu(), second, block.scene, block.steps[second.place], markOf(second));
        open = row.place < 0 ? [left] : [left, panel(named(data.author(row)), row, block.scene, block.steps[row.place], markOf(row))];
        last = Math.max(...open.map((each) => each.count));
        panels.replaceChildren(...open.map((each) => each.element));
      }
    } catch (error) {
      if (mine !== turn) return;
      alone(error.message);
    }
    settle();
    draw(n);
    settled = true;
  };

  const KEYS = {
    ArrowLeft: (event) => go(step - (event.shiftKey ? 10 : 1)),
    ArrowRight: (event) => go(step + (event.shiftKey ? 10 : 1)),
    Home: () => go(0),
    End: () => go(last),
    " ": toggle,
    d: () => { const mark = departure(); if (mark) go(mark.step + 1); },
  };
  const typed = (target) => target.closest("select, textarea, input:not([type=range])");
  const key = (event) => {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || !(event.key in KEYS)) return;
    if (typed(event.target) || (event.key === " " && event.target.closest("button, summary, a"))) return;
    event.preventDefault();
    if (event.key !== " ") stop();
    KEYS[event.key](event);
  };

  slider.addEventListener("input", () => { stop(); go(Number(slider.value)); });
  play.addEventListener("click", toggle);
  for (const [name, to] of Object.entries({ first: () => 0, back: () => step - 1, forward: () => step + 1, last: () => last })) {
    part(name).addEventListener("click", () => { stop(); go(to()); });
  }
  jump.addEventListener("click", () => KEYS.d());
  if (calm.matches) speed.value = speed.options[0].value;

  return { show, key, settled: () => settled, count: () => open[open.length - 1].count, state: () => ({ row, step, beside, playing: playing() }), start: (stepping) => { onStep = stepping; } };
})();
