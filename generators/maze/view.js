/* Mazes step by step: the grid with open and closed cells, the cell of the last step, the plan, the first departure.

Every seen cell is one path that is made once; `show` compares what each should look like with what it does. */
"use strict";
(() => {
  const { html, svg } = distill;
  const SIDE = 20; // units of a cell
  const NEAR = [[0, 1], [0, -1], [-1, 0], [1, 0]]; // the directions of generators/maze/packing.py
  const FULL = 4, TEXT = 5, CLOSED = 6; // its codes
  const CLAUSE = /^(create|close) (\d{1,9}) (\d{1,9}) c(\d{1,9}) c(\d{1,9})$/;
  const ARROWS = { ArrowDown: 0, ArrowUp: 1, ArrowLeft: 2, ArrowRight: 3 };

  const board = (scene) => {
    const [width, height] = scene.size;
    const at = (cell) => [cell % width, Math.floor(cell / width)];
    const walls = new Set();
    scene.walls.reduce((last, gap) => { walls.add(last + gap); return last + gap; }, 0);
    const [goalX, goalY] = at(scene.goal);
    return {
      width, height, walls, at, start: scene.start, goal: scene.goal,
      name: (cell) => `(${at(cell).join(", ")})`,
      h: (cell) => Math.abs(at(cell)[0] - goalX) + Math.abs(at(cell)[1] - goalY),
      near: (cell, direction) => {
        const x = at(cell)[0] + NEAR[direction][0], y = at(cell)[1] + NEAR[direction][1];
        return x < 0 || y < 0 || x >= width || y >= height ? null : y * width + x;
      },
    };
  };

  /* The steps of a trace: { creates, cell, g, h }, or { words } where none of the maze's cells is named. */
  const unpack = (steps, maze) => {
    const full = steps.full || [], words = steps.words || [], created = [];
    let fulls = 0, texts = 0, last = null;
    return (steps.codes || []).map((code) => {
      if (code === TEXT) return { words: words[texts++] };
      let step;
      if (code < FULL) {
        const cell = maze.near(last.cell, code);
        step = { creates: true, cell, g: last.g + 1, h: maze.h(cell) };
      } else if (code === FULL) {
        const [creates, cell, g, h] = full.slice(4 * fulls, 4 * ++fulls);
        step = { creates: creates === 1, cell, g, h };
      } else {
        const { cell, g } = created[created.length - 1 - (code - CLOSED)];
        step = { creates: false, cell, g, h: maze.h(cell) };
      }
      if (step.creates) created.push(step);
      else last = step;
      return step;
    });
  };

  /* The cells of the plan; `wild` tells that its words are no walk from cell to cell within the maze. */
  const planned = (steps, maze) => {
    if (steps.plan) {
      const cells = [steps.plan[0]];
      for (const direction of steps.plan.slice(1)) cells.push(maze.near(cells[cells.length - 1], direction));
      return { cells, said: null };
    }
    const cells = [...(steps.answer || "").matchAll(/\bplan (\d+) (\d+)(?= |$)/g)].map(([, x, y]) => [+x, +y])
      .filter(([x, y]) => x < maze.width && y < maze.height).map(([x, y]) => y * maze.width + x);
    return { cells, said: steps.answer || null };
  };

  /* What becomes of each cell: a list of changes in the order of steps. As in the replay, a create that does not
  gain leaves a cell as it is. */
  const histories = (trace) => {
    const cells = new Map();
    let closes = 0;
    trace.forEach((step, index) => {
      if (step.words !== undefined) return;
      const changes = cells.get(step.cell) || [];
      const before = changes[changes.length - 1];
      if (step.creates && before && before.g <= step.g) return;
      changes.push({
        from: index + 1, g: step.g, h: step.h, order: step.creates ? 0 : ++closes,
        look: !step.creates ? "closed" : before && changes.some((change) => change.order) ? "again" : "open",
      });
      cells.set(step.cell, changes);
    });
    return { cells, closes };
  };

  const stateAt = (changes, n) => {
    for (let at = changes ? changes.length - 1 : -1; at >= 0; at--) if (changes[at].from <= n) return changes[at];
    return null;
  };

  const ordinal = (count) => {
    const teen = count % 100 > 10 && count % 100 < 14;
    return count + ((!teen && { 1: "st", 2: "nd", 3: "rd" }[count % 10]) || "th");
  };

  const ring = (x, y, radius) => `M${x - radius} ${y}a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0z`;
  const LOOKS = {
    open: (x, y) => ring(x + SIDE / 2, y + SIDE / 2, 4.5),
    again: (x, y) => ring(x + SIDE / 2, y + SIDE / 2, 6.5) + ring(x + SIDE / 2, y + SIDE / 2, 2),
    closed: (x, y) => `M${x + 2} ${y + 2}h${SIDE - 4}v${SIDE - 4}h${4 - SIDE}z`,
  };
  const square = (cells, maze) => cells.map((cell) => {
    const [x, y] = maze.at(cell);
    return `M${x * SIDE} ${y * SIDE}h${SIDE}v${SIDE}h${-SIDE}z`;
  }).join("");
  const middle = (cell, maze) => maze.at(cell).map((place) => (place + 0.5) * SIDE);

  /* An arrow on the way from one cell to another, at its middle. */
  const arrow = (from, to, size) => {
    const length = Math.hypot(to[0] - from[0], to[1] - from[1]) || 1;
    const dx = (to[0] - from[0]) / length * size, dy = (to[1] - from[1]) / length * size;
    const x = (from[0] + to[0] + dx) / 2, y = (from[1] + to[1] + dy) / 2;
    return `M${x - dx - dy} ${y - dy + dx}L${x} ${y}L${x - dx + dy} ${y - dy - dx}`;
  };

  const route = (cells, maze) => {
    if (!cells.length) return null;
    const points = cells.map((cell) => middle(cell, maze));
    const every = Math.max(1, Math.round(points.length / 24));
    const heads = points.slice(1).map((to, at) => (at % every === Math.floor(every / 2) ? arrow(points[at], to, 4.5 * Math.sqrt(every)) : ""));
    const clash = cells.filter((cell) => maze.walls.has(cell)).map((cell) => {
      const [x, y] = middle(cell, maze);
      return `M${x - 6} ${y - 6}l12 12M${x + 6} ${y - 6}l-12 12`;
    });
    const line = points.map((point) => point.join(" ")).join("L");
    return svg("g", { class: "maze-plan" },
      svg("path", { class: "maze-plan-edge", d: `M${line}`, pathLength: 1 }),
      svg("path", { class: "maze-plan-line", d: `M${line}`, pathLength: 1 }),
      svg("path", { class: "maze-plan-heads", d: heads.join("") || null }),
      clash.length ? svg("path", { class: "maze-plan-clash", d: clash.join("") }) : null);
  };

  const letter = (cell, sign, title, maze) => {
    const [x, y] = middle(cell, maze);
    const size = SIDE * Math.max(0.8, Math.max(maze.width, maze.height) / 32);
    return svg("text", { class: "maze-letter", x, y, "font-size": size, dy: "0.36em" }, sign, svg("title", {}, title));
  };

  const drawing = (maze, seen) => {
    const wide = maze.width * SIDE, high = maze.height * SIDE;
    let lines = "";
    for (let x = 1; x < maze.width; x++) lines += `M${x * SIDE} 0V${high}`;
    for (let y = 1; y < maze.height; y++) lines += `M0 ${y * SIDE}H${wide}`;
    const cells = new Map([...seen].map((cell) => [cell, svg("path", { class: "maze-cell" })]));
    const touched = svg("title");
    const parts = {
      cells, touched,
      plan: svg("g"),
      chosen: svg("rect", { class: "maze-chosen", width: SIDE, height: SIDE, rx: 3, visibility: "hidden" }),
      now: svg("g", { class: "maze-now", visibility: "hidden" },
        svg("rect", { class: "maze-now-edge", width: SIDE, height: SIDE }), svg("rect", { width: SIDE, height: SIDE })),
      fault: svg("g"),
    };
    // Wide enough for marks at the edge; small mazes do not fill the page, tall ones fit on the screen.
    parts.root = svg("svg", {
      class: "maze-grid", viewBox: `-4 -4 ${wide + 8} ${high + 8}`, tabindex: 0, role: "group",
      "aria-label": `maze of ${maze.width} by ${maze.height} cells; the arrow keys choose a cell, whose g and h are told below`,
    },
    svg("rect", { class: "maze-floor", width: wide, height: high }, touched),
    svg("path", { class: "maze-lines", d: lines || null }),
    svg("path", { class: "maze-walls", d: square([...maze.walls], maze) || null }),
    ...cells.values(), parts.plan,
    letter(maze.start, "S", "start", maze), letter(maze.goal, "G", "goal", maze),
    parts.chosen, parts.now, parts.fault);
    parts.root.style.setProperty("--maze-line", Math.max(3, Math.max(maze.width, maze.height) / 11).toFixed(1));
    parts.root.style.maxWidth = `min(${(maze.width * 2.75).toFixed(2)}rem, ${Math.max(14, 80 * maze.width / maze.height).toFixed(1)}vh)`;
    return parts;
  };

  const place = (element, cell, maze) => {
    element.setAttribute("visibility", cell === null ? "hidden" : "visible");
    if (cell === null) return element.removeAttribute("transform");
    const [x, y] = maze.at(cell);
    element.setAttribute("transform", `translate(${x * SIDE} ${y * SIDE})`);
  };

  /* The neighbour that a departure says was not created in time. */
  const missed = (reason, maze) => {
    const [, x, y] = reason.match(/ before the neighbour (\d+) (\d+) /) || [];
    if (!(x < maze.width && y < maze.height)) return null;
    return svg("path", { class: "maze-missed", d: ring((+x + 0.5) * SIDE, (+y + 0.5) * SIDE, 8) });
  };

  /* A dashed frame and a cross at its corner, larger than the cell in large mazes. */
  const faultMark = (cell, mark, maze) => {
    const [x, y] = middle(cell, maze);
    const half = SIDE / 2 + 3, size = Math.max(5, Math.max(maze.width, maze.height) / 6);
    const cx = Math.min(x + half, maze.width * SIDE - size / 2), cy = Math.max(y - half, size / 2);
    const cross = `M${cx - size} ${cy - size}L${cx + size} ${cy + size}M${cx + size} ${cy - size}L${cx - size} ${cy + size}`;
    const group = svg("g", { class: "maze-departure departure", "data-step": mark.step }, svg("title", {}, mark.reason),
      svg("rect", { class: "maze-departure-edge", x: x - half, y: y - half, width: 2 * half, height: 2 * half, rx: 3 }),
      svg("rect", { class: "maze-departure-frame", x: x - half, y: y - half, width: 2 * half, height: 2 * half, rx: 3 }),
      svg("path", { class: "maze-departure-edge", d: cross }), svg("path", { class: "maze-departure-cross", d: cross }));
    return [missed(mark.reason, maze), group].filter((part) => part !== null);
  };

  const swatch = (label, ...shapes) => html("li", {},
    svg("svg", { viewBox: `-3 -3 ${SIDE + 6} ${SIDE + 6}`, "aria-hidden": "true" }, ...shapes), label);

  const legend = (mark, maze) => html("ul", { class: "maze-legend", "aria-label": "signs" },
    swatch("start", svg("text", { class: "maze-letter", x: 10, y: 10, dy: "0.36em", "font-size": 19 }, "S")),
    swatch("goal", svg("text", { class: "maze-letter", x: 10, y: 10, dy: "0.36em", "font-size": 19 }, "G")),
    swatch("wall", svg("rect", { class: "maze-walls", width: SIDE, height: SIDE })),
    swatch("open", svg("path", { class: "maze-cell open", d: LOOKS.open(0, 0) })),
    swatch("closed, the later the stronger", svg("path", { class: "maze-cell closed", d: LOOKS.closed(0, 0), "fill-opacity": 0.5 })),
    swatch("this step", svg("g", { class: "maze-now" }, svg("rect", { width: SIDE, height: SIDE }))),
    swatch("plan", svg("path", { class: "maze-plan-line", d: "M0 10H20" }), svg("path", { class: "maze-plan-heads", d: arrow([0, 10], [20, 10], 6) })),
    mark && swatch("first unfaithful step", svg("rect", { class: "maze-departure-frame", width: SIDE, height: SIDE, rx: 3 }),
      svg("path", { class: "maze-departure-cross", d: "M14 0l8 8M22 0l-8 8" })));

  const open = (root, scene, steps, mark) => {
    const maze = board(scene), trace = unpack(steps, maze), plan = planned(steps, maze);
    const { cells: history, closes } = histories(trace);
    const parts = drawing(maze, history.keys());
    const way = route(plan.cells, maze);
    const counts = html("p", { class: "maze-counts" });
    const line = html("p", { class: "maze-line", "aria-live": "polite" });
    const fault = html("p", { class: "maze-fault", hidden: "" });
    const looks = new Map(); // what each cell looks like now
    let shown = 0, chosen = null, pointed = null;

    root.append(html("div", { class: "maze" }, parts.root, counts, line, fault, legend(mark, maze)));

    const cellTold = (cell) => {
      const what = cell === maze.start ? ", start" : cell === maze.goal ? ", goal" : "";
      const state = stateAt(history.get(cell), shown);
      const wall = maze.walls.has(cell) ? "a wall" : "";
      if (!state) return `cell ${maze.name(cell)}${what}: ${wall || "not seen yet"}`;
      const now = { closed: `closed as ${ordinal(state.order)}`, open: "open", again: "open again" }[state.look];
      return `cell ${maze.name(cell)}${what}: g ${state.g}, h ${state.h}, f ${state.g + state.h}, ${now}${wall && `, ${wall}`}`;
    };

    const tell = () => {
      const cell = pointed === null ? chosen : pointed;
      const said = cell === null ? "Point, tap or use arrow keys: a cell's g and h." : cellTold(cell);
      if (line.textContent !== said) line.textContent = said;
      line.classList.toggle("maze-hint", cell === null);
      parts.touched.textContent = cell === null ? "" : said;
      place(parts.chosen, chosen, maze);
    };

    const stepTold = (step) => {
      if (step.words === undefined) return `${step.creates ? "create" : "close"} ${maze.name(step.cell)}: g ${step.g}, h ${step.h}`;
      const [, head, x, y, g, h] = step.words.match(CLAUSE) || [];
      const outside = x >= maze.width || y >= maze.height;
      return outside ? `${head} (${x}, ${y}): g ${g}, h ${h}, outside the maze` : `no clause: ${step.words}`;
    };

    const planTold = () => {
      const moves = plan.cells.length - 1;
      const length = `the plan: ${moves} ${moves === 1 ? "step" : "steps"}`;
      if (plan.said === null) return length;
      return /^(plan \d+ \d+( |$))+$/.test(plan.said) ? `the plan, which is no walk from cell to cell: ${plan.said}` : `no plan: ${plan.said}`;
    };

    const told = (n) => {
      if (n === 0) return `the maze: start ${maze.name(maze.start)}, goal ${maze.name(maze.goal)}`;
      return n <= trace.length ? stepTold(trace[n - 1]) : planTold();
    };

    /* Where a departure stands: the cell of its step; the goal where it lies in the plan or the end of a trace. */
    const where = () => {
      if (mark.step < trace.length) return trace[mark.step].cell === undefined ? null : trace[mark.step].cell;
      return trace.length ? maze.goal : null;
    };

    const showFault = (n) => {
      const happened = mark !== null && mark !== undefined && (n > mark.step || (n === steps.count && mark.step >= n));
      const cell = happened ? where() : null;
      parts.fault.replaceChildren(...(cell === null ? [] : faultMark(cell, mark, maze)));
      fault.hidden = !happened;
      fault.classList.toggle("departure", happened && cell === null);
      for (const name of ["data-step", "title"]) fault.removeAttribute(name);
      if (happened && cell === null) {
        fault.setAttribute("data-step", mark.step);
        fault.title = mark.reason;
      }
      const words = happened && cell === null && mark.step < trace.length ? `: ${trace[mark.step].words}` : "";
      fault.textContent = happened ? `\u2717 ${mark.reason}${words}` : "";
    };

    const look = (cell, state) => {
      const element = parts.cells.get(cell);
      looks.set(cell, state);
      element.setAttribute("class", state ? `maze-cell ${state.look}` : "maze-cell");
      if (!state) {
        element.removeAttribute("d");
        element.removeAttribute("fill-opacity");
        return;
      }
      const [x, y] = maze.at(cell);
      element.setAttribute("d", LOOKS[state.look](x * SIDE, y * SIDE));
      if (state.order) element.setAttribute("fill-opacity", (0.2 + 0.55 * state.order / closes).toFixed(2));
      else element.removeAttribute("fill-opacity");
    };

    const show = (n) => {
      const count = { open: 0, closed: 0, again: 0 };
      shown = n;
      for (const [cell, changes] of history) {
        const state = stateAt(changes, n);
        if (state) count[state.look]++;
        if (looks.get(cell) !== state) look(cell, state);
      }
      const last = n > 0 && n <= trace.length ? trace[n - 1] : {};
      place(parts.now, last.cell === undefined ? null : last.cell, maze);
      const done = n > trace.length && way !== null;
      if (done !== (parts.plan.firstChild !== null)) parts.plan.replaceChildren(...(done ? [way] : []));
      counts.textContent = `open ${count.open + count.again}, closed ${count.closed}`;
      showFault(n);
      tell();
    };

    const under = (event) => {
      const box = parts.root.getBoundingClientRect();
      const units = (maze.width * SIDE + 8) / box.width;
      const x = Math.floor(((event.clientX - box.left) * units - 4) / SIDE), y = Math.floor(((event.clientY - box.top) * units - 4) / SIDE);
      return x < 0 || y < 0 || x >= maze.width || y >= maze.height ? null : y * maze.width + x;
    };

    parts.root.addEventListener("pointermove", (event) => {
      if (event.pointerType === "touch") return;
      pointed = under(event);
      tell();
    });
    parts.root.addEventListener("pointerleave", () => { pointed = null; tell(); });
    // The keyboard stays where it was: who clicks a cell goes on stepping with the keys of the player.
    parts.root.addEventListener("mousedown", (event) => event.preventDefault());
    parts.root.addEventListener("click", (event) => {
      const cell = under(event);
      chosen = cell === chosen ? null : cell;
      pointed = null;
      tell();
    });
    parts.root.addEventListener("focus", () => {
      const step = trace[Math.min(shown, trace.length) - 1];
      if (chosen === null) chosen = step && step.cell !== undefined ? step.cell : maze.start;
      tell();
    });
    parts.root.addEventListener("keydown", (event) => {
      if (event.key === "Escape") chosen = null;
      else if (event.key in ARROWS && !event.altKey && !event.ctrlKey && !event.metaKey) {
        const next = chosen === null ? maze.start : maze.near(chosen, ARROWS[event.key]);
        chosen = next === null ? chosen : next;
      } else return;
      event.preventDefault();
      event.stopPropagation();
      pointed = null;
      tell();
    });

    show(0);
    return { show, told };
  };

  distill.register("maze", { open });
})();
