/* Two traces of a problem side by side under one slider, and what moves them. */
"use strict";
distill.stage = (() => {
  const { html, data, panel } = distill;
  const { counted, position } = panel;
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  const part = (name) => document.getElementById(`traces-${name}`);
  const [slider, play, speed, jump, panels] = ["slider", "play", "speed", "departure", "panels"].map(part);
  const TEACHER = "teacher";
  const LONGEST = 250; // milliseconds between two pictures that count: a page in the background does not run ahead

  let row = null, beside = TEACHER; // what is open
  let open = [], step = 0, last = 0; // its panels, and where they stand
  let turn = 0, settled = false, opening = null; // of opening, which waits for steps to be unpacked
  let frame = 0; // of playing
  let onStep = () => {};

  const draw = (n) => {
    step = Math.min(Math.max(n, 0), last);
    slider.value = step;
    slider.setAttribute("aria-valuetext", position(step, last));
    part("step").textContent = position(step, last);
    for (const each of open) each.show(step);
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
    play.textContent = "Pause";
    for (const each of open) each.told.setAttribute("aria-live", "off");
    let place = step >= last ? 0 : step, before = null;
    const tick = (now) => {
      place += Math.min(now - (before ?? now), LONGEST) / 1000 * Number(speed.value);
      before = now;
      if (Math.floor(place) !== step) draw(Math.floor(place));
      if (step >= last) stop();
      else frame = requestAnimationFrame(tick);
    };
    frame = requestAnimationFrame(tick);
  };
  const toggle = () => (playing() ? stop() : start());
  const go = (n) => {
    stop();
    draw(n);
    onStep();
  };

  /* The first departure that is marked: the response's, else that of what stands beside it. */
  const departure = () => [...open].reverse().map((each) => each.mark).find((mark) => mark) || null;
  const depart = () => {
    const mark = departure();
    if (mark) go(mark.step + 1);
  };
  const ticks = () => open.filter((each) => each.mark).map((each) => {
    const sign = html("span", { title: `first departure: ${each.mark.reason}` }, "⚠");
    sign.style.left = `${last ? Math.min(each.mark.step + 1, each.count) / last * 100 : 0}%`;
    return sign;
  });

  /* A menu of what may stand beside the response: the teacher, and the problem's other responses. */
  const menu = () => {
    const others = data.others(row);
    if (!others.length) return html("span", { class: "who" }, TEACHER);
    const told = (each) => `${data.author(each)}: ${each.verdict ?? ""}, ${counted(each.words ?? 0, "word")}`;
    const choice = html("select", { "aria-label": "trace to put beside it" },
      html("option", { value: TEACHER }, TEACHER), others.map((each) => html("option", { value: each.at }, told(each))));
    choice.value = String(beside);
    choice.addEventListener("change", async () => {
      await show(row, step, choice.value === TEACHER ? TEACHER : Number(choice.value));
      panels.querySelector("select")?.focus();
      onStep();
    });
    return choice;
  };

  /* The panels of a row: of a data set its own trace alone, of a response what stands beside it, too. */
  const opened = (block) => {
    const shared = { domain: data.artifacts[row.artifact].domain, scene: block.scene, words: row.teacherWords, jump: go };
    const author = html("span", { class: "who" }, data.author(row));
    if (row.place < 0) return [panel.open({ ...shared, head: author, row, steps: block.teacher })];
    const other = beside === TEACHER ? null : data.rows[beside];
    const steps = other === null ? block.teacher : block.steps[other.place];
    return [
      panel.open({ ...shared, head: menu(), row: other, steps }),
      panel.open({ ...shared, head: author, row, steps: block.steps[row.place] }),
    ];
  };

  const absent = () => {
    const { note, playable, rows } = data.artifacts[row.artifact];
    const has = `The steps of this row are not in this page, which has those of ${playable.toLocaleString("en")}`;
    return note || `${has} of its ${counted(rows, "row")}.`;
  };

  const load = async (asked, n, other) => {
    stop();
    const mine = ++turn;
    [row, beside, settled] = [asked, other, false];
    let made = [], why = absent();
    try {
      if (row.block !== null) made = opened(await data.block(row.block));
    } catch (error) {
      why = error.message;
    }
    if (mine !== turn) return;
    open = made;
    last = Math.max(0, ...open.map((each) => each.count));
    panels.replaceChildren(...(open.length ? open.map((each) => each.element) : [panel.closed(row, why)]));
    part("problem").textContent = `Problem ${row.id}`;
    part("source").textContent = data.artifacts[row.artifact].name;
    part("stage").hidden = false;
    for (const name of ["slider", "play", "speed", "first", "back", "forward", "last"]) part(name).disabled = !last;
    jump.disabled = departure() === null;
    slider.max = last;
    part("ticks").replaceChildren(...ticks());
    draw(n);
    settled = true;
  };

  /* Opens a row at a step, with the teacher or another row beside it. */
  const show = (asked, n, other = TEACHER) => {
    opening = load(asked, n, other);
    return opening;
  };
  /* What a reader does while a row is being opened is done to that row. */
  const act = (action) => (settled ? action() : opening && opening.then(action));

  const KEYS = {
    ArrowLeft: (event) => go(step - (event.shiftKey ? 10 : 1)),
    ArrowRight: (event) => go(step + (event.shiftKey ? 10 : 1)),
    Home: () => go(0),
    End: () => go(last),
    " ": toggle,
    d: depart,
  };
  const typed = (target) => target.closest("select, textarea, input:not([type=range])");
  const key = (event) => {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || !(event.key in KEYS)) return;
    if (typed(event.target) || (event.key === " " && event.target.closest("button, summary, a"))) return;
    event.preventDefault();
    act(() => KEYS[event.key](event));
  };
  const button = (name, action) => part(name).addEventListener("click", () => act(action));

  slider.addEventListener("input", () => go(Number(slider.value)));
  button("play", toggle);
  button("departure", depart);
  button("first", () => go(0));
  button("back", () => go(step - 1));
  button("forward", () => go(step + 1));
  button("last", () => go(last));
  if (calm.matches) speed.value = speed.options[0].value;

  return {
    show,
    key,
    state: () => ({ row, step, beside, playing: playing() }),
    settled: () => settled,
    count: () => open[open.length - 1].count, // of the response
    start: (stepping) => { onStep = stepping; },
  };
})();
