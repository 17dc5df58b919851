/* A position played step by step: the board with its arrows, the moves with their bars, the log as a curve.
   What the fields of `scene` and `steps` mean stands in drawing/playing.py; the rules of chess stay there too. */
"use strict";
distill.register("chess", { open: (() => {
  const { html, svg } = distill;

  /* Men on a square of 100 by 100. */
  const MEN = {
    p: [["path", { d: "M50 20a13 13 0 0 1 8 23q8 3 8 9h-7q1 15 13 23v12H28V75q12-8 13-23h-7q0-6 8-9a13 13 0 0 1 8-23z" }]],
    r: [["path", { d: "M25 20h12v9h8v-9h10v9h8v-9h12v19l-9 7v23l9 7v11H25V76l9-7V46l-9-7z" }]],
    n: [["path", { d: "M33 87q-1-20 15-33-9 1-15 7-7 6-13 3-5-3-3-8 4-10 10-18 4-8 11-11l1-11 10 9q22 2 29 22 5 16 4 40z" }],
      ["circle", { cx: 38, cy: 38, r: 2.5, class: "line" }]],
    b: [["path", { d: "M50 23q20 13 20 29 0 10-8 15l7 9v11H31V76l7-9q-8-5-8-15 0-16 20-29z" }],
      ["circle", { cx: 50, cy: 17, r: 5.5 }], ["path", { d: "M50 38v16M42 46h16", class: "line" }]],
    q: [["path", { d: "M14 34l13 20 4-31 12 27 7-32 7 32 12-27 4 31 13-20-8 35-2 18H24l-2-18z" }],
      ...[[14, 31], [31, 20], [50, 15], [69, 20], [86, 31]].map(([cx, cy]) => ["circle", { cx, cy, r: 4.5 }]),
      ["path", { d: "M25 73q25-6 50 0", class: "line" }]],
    k: [["path", { d: "M46 10h8v6h6v8h-6v7q8 5 6 14 8-8 18-6 12 4 9 18-3 9-10 15v15H23V72q-7-6-10-15-3-14 9-18 10-2 18 6-2-9 6-14v-7h-6v-8h6z" }],
      ["path", { d: "M25 76q25-7 50 0", class: "line" }]],
  };
  const DEEPEST = [8, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256];
  const ARROWS = { teacher: "T", answer: "A", now: "", looked: "" };

  const percent = (mille) => (mille === null || mille === undefined ? "–" : `${(mille / 10).toFixed(1)}%`);
  const corner = (square) => [(square.charCodeAt(0) - 97) * 100, (8 - Number(square[1])) * 100];
  const middle = (square) => corner(square).map((side) => side + 50);

  /* An arrow from square to square: its kind decides width and dash, so that several of one move stay apart. */
  const arrow = (uci, kind) => {
    const [[x, y], [u, v]] = [middle(uci.slice(0, 2)), middle(uci.slice(2, 4))];
    const far = Math.hypot(u - x, v - y), [dx, dy] = [(u - x) / far, (v - y) / far];
    const at = (along, aside) => `${(x + dx * along - dy * aside).toFixed(1)} ${(y + dy * along + dx * aside).toFixed(1)}`;
    const wide = kind === "teacher" ? 27 : 22, neck = far - 2 * wide + 8;
    const shaft = `M${at(kind === "teacher" ? 10 : 0, 0)}L${at(neck, 0)}`;
    const head = `M${at(neck, wide)}L${at(far - 4, 0)}L${at(neck, -wide)}z`;
    const [left, top] = corner(uci.slice(2, 4)), badge = ARROWS[kind];
    const [bx, by] = [left + (dx > 0 ? 84 : 16), top + (kind === "teacher" ? 16 : 84)];
    return svg("g", { class: `arrow ${kind}` },
      svg("path", { class: "halo", d: shaft + head }), svg("path", { class: "shaft", d: shaft }), svg("path", { class: "head", d: head }),
      uci.length > 4 ? svg("text", { class: "becomes", x: u, y: v + ({ teacher: -8, answer: 44 }[kind] || 18) }, `=${uci[4].toUpperCase()}`) : null,
      badge ? [svg("circle", { cx: bx, cy: by, r: 20 }), svg("text", { x: bx, y: by + 11 }, badge)] : []);
  };

  const drawBoard = (scene) => {
    let dark = "";
    for (let at = 0; at < 64; at += 1) if ((at + (at >> 3)) % 2) dark += `M${(at % 8) * 100} ${(at >> 3) * 100}h100v100h-100z`;
    const marked = scene.last ? [scene.last.slice(0, 2), scene.last.slice(2, 4)] : [];
    const men = [...scene.board].map((sign, at) => (sign === "." ? null : svg("g",
      { class: sign === sign.toLowerCase() ? "black" : "white", transform: `translate(${(at % 8) * 100} ${(at >> 3) * 100})` },
      MEN[sign.toLowerCase()].map(([tag, own]) => svg(tag, own)))));
    const names = [..."abcdefgh"].flatMap((file, at) => [
      svg("text", { class: "coordinate", x: at * 100 + 50, y: 840 }, file), svg("text", { class: "coordinate", x: -24, y: at * 100 + 62 }, String(8 - at))]);
    const [x, y] = scene.check ? middle(scene.check) : [0, 0];
    return svg("svg", { class: "board", viewBox: "-46 -4 850 856", role: "img", "aria-label": `${scene.heading}: ${scene.fen}` },
      svg("rect", { class: "light", width: 800, height: 800 }), svg("path", { class: "dark", d: dark }),
      marked.map((square) => { const [left, top] = corner(square); return svg("rect", { class: "last", x: left + 4, y: top + 4, width: 92, height: 92 }); }),
      scene.check ? svg("circle", { class: "check", cx: x, cy: y, r: 47 }) : null, names, men);
  };

  return (root, scene, steps, mark) => {
    const place = new Map(scene.moves.map((uci, at) => [uci, at]));
    const { log, student, answer } = steps;
    const acts = steps.count - (answer ? 1 : 0);
    const kept = log || (student ? null : scene.log);
    const named = (uci) => (place.has(uci) ? `${scene.sans[place.get(uci)]} (${uci})` : `${uci}, no legal move`);
    const short = (uci) => (place.has(uci) ? scene.sans[place.get(uci)] : `${uci}!`);
    const rates = steps.rates === "win" ? "student" : "student plays it";
    const worth = (at) => [scene.wins[at] === null ? null : `teacher ${percent(scene.wins[at])} (${scene.scores[at]})`,
      student ? `${rates} ${percent(student[at])}` : null].filter(Boolean).join(", ");
    const happened = (n) => mark && (n > mark.step || (n === steps.count && mark.step >= steps.count));

    /* Board, legend, answer. */
    const arrows = svg("g"), looked = svg("g"), board = drawBoard(scene);
    board.append(arrows, looked);
    const sample = (kind, told) => html("li", {}, svg("svg", { class: "sample", viewBox: "-6 -46 262 92", "aria-hidden": "true" },
      svg("g", { class: `arrow ${kind}` }, svg("path", { class: "halo", d: "M0 0H190M190 26L240 0L190 -26z" }), svg("path", { class: "shaft", d: "M0 0H190" }),
        svg("path", { class: "head", d: "M190 28L244 0L190 -28z" }),
        ARROWS[kind] ? [svg("circle", { cx: 90, cy: 0, r: 34 }), svg("text", { x: 90, y: 18, class: "big" }, ARROWS[kind])] : [])), told);
    const said = html("span"), sign = html("span", { class: "sign" }), why = html("span", { class: "why" });
    const line = html("p", { class: "answer" }, sign, said, why);
    const legend = html("ul", { class: "legend" },
      scene.best ? sample("teacher", `teacher's move: ${named(scene.best)}`) : null,
      answer ? sample("answer", "the answer") : null, sample("now", "this step"), sample("looked", "a move that is pointed at"),
      scene.last ? html("li", {}, html("span", { class: "square" }), `last move: ${scene.last}`) : null);
    const about = scene.about.map(([name, told]) => html("p", { class: "about" }, `${name} ${told}`));

    /* All legal moves with their bars. */
    const bar = (who, mille) => html("span", { class: `bar ${who}` },
      html("span", { class: "gauge" }, html("span", { class: "filled", style: `width:${(mille || 0) / 10}%` })), html("span", { class: "number" }, percent(mille)));
    const rows = scene.moves.map((uci, at) => html("li", { class: "move", tabindex: at ? -1 : 0, "data-move": uci, "aria-label": `${named(uci)}: ${worth(at) || "no labels"}` },
      html("span", { class: "pointer", "aria-hidden": "true" }),
      html("span", { class: "name" }, html("b", {}, scene.sans[at]), " ",
        uci === scene.best ? html("span", { class: "badge teacher", title: "the teacher's move" }, "T") : null,
        answer && uci === answer.move ? html("span", { class: "badge answer", title: "the answer" }, "A") : null, html("small", {}, uci)),
      html("span", { class: "score" }, scene.scores[at]),
      html("span", { class: "bars" }, scene.wins[at] === null ? null : bar("teacher", scene.wins[at]), student ? bar("student", student[at]) : null)));
    const list = html("ul", { class: "moves", "aria-label": `${rows.length} legal moves, best first` }, rows);
    const look = (uci) => looked.replaceChildren(...(uci ? [arrow(uci, "looked")] : []));
    const of = (event) => (event.target instanceof Element ? event.target.closest(".move") : null);
    list.addEventListener("pointerover", (event) => look(of(event)?.dataset.move));
    list.addEventListener("pointerleave", () => look(null));
    list.addEventListener("focusin", (event) => look(of(event)?.dataset.move));
    list.addEventListener("focusout", () => look(null));
    list.addEventListener("keydown", (event) => {
      const at = rows.indexOf(of(event));
      const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
      if (next === undefined || at < 0) return;
      event.preventDefault();
      event.stopPropagation();
      rows[Math.min(Math.max(next, 0), rows.length - 1)].focus();
    });
    const keys = html("p", { class: "hint" }, scene.wins.some((win) => win !== null) ? html("span", { class: "key teacher" }, "teacher's win probability") : null,
      student ? html("span", { class: "key student" }, steps.rates === "win" ? "student's win probability" : "share of the student's choice") : null);

    /* The log as a curve and as a table. */
    const curve = kept ? drawCurve(scene, kept, short) : null;
    const entries = kept ? kept.depths.map((depth, at) => entryRow(String(depth), kept.scores[at], percent(kept.wins[at]), named(kept.moves[at]))) : [];
    if (kept && kept.rest) entries.push(entryRow("", "", "", `no entry: ${kept.rest}`));
    const reason = html("tr", { class: "why" }, html("td", { colspan: 4, class: "word" }, `✗ departs: ${mark ? mark.reason : ""}`));
    const table = kept ? html("div", { class: "entries", tabindex: 0, role: "region", "aria-label": "the log" }, html("table", {},
      html("thead", {}, html("tr", {}, ["depth", "score", "win", "best move"].map((name) => html("th", { scope: "col" }, name)))), html("tbody", {}, entries.flatMap((entry, at) => (log && mark && at === mark.step ? [entry, reason] : [entry]))))) : null;

    const view = html("div", { class: "chess-view" },
      html("p", { class: "turn" }, html("span", { class: `side ${scene.heading.startsWith("white") ? "white" : "black"}` }), scene.heading),
      html("div", { class: "halves" }, html("div", { class: "half" }, board, line, legend, about),
        html("div", { class: "half" }, keys, list, rows.length ? html("p", { class: "hint" }, `${rows.length} legal move${rows.length > 1 ? "s" : ""}`) : null)),
      kept ? html("div", { class: "log" }, html("h5", {}, log ? "The search, depth by depth" : "The teacher's search, depth by depth"), html("div", { class: "halves" }, html("div", { class: "half" }, curve.picture), html("div", { class: "half" }, table))) : null);
    root.append(view);

    /* Classes are set whole: taking one away would leave traces of the state before. */
    const flag = (element, kind, wrong) => {
      element.className = wrong ? `${kind} departure` : kind;
      for (const [name, told] of [["data-step", mark && mark.step], ["title", mark && mark.reason]]) {
        if (wrong) element.setAttribute(name, told === null ? "" : told);
        else element.removeAttribute(name);
      }
    };

    const show = (n) => {
      const at = n - 1, done = Boolean(answer) && n === steps.count;
      const here = at < 0 || done ? null : log ? log.moves[at] || null : scene.moves[at];
      const wrong = happened(n) ? mark.step : -1, late = wrong >= 0 && wrong >= acts;
      look(null);
      arrows.replaceChildren(...[scene.best && arrow(scene.best, "teacher"), done && answer.move && arrow(answer.move, "answer"), here && arrow(here, "now")].filter(Boolean));
      view.className = done ? "chess-view answered" : "chess-view";
      const current = done ? answer.move : here, found = place.get(current);
      rows.forEach((row, each) => { row.className = each === found ? "move now" : "move"; });
      list.scrollTop = found === undefined ? 0 : rows[found].offsetTop - (list.clientHeight - rows[found].offsetHeight) / 2;
      sign.textContent = done ? { optimal: "✓ ", valid: "○ " }[answer.verdict] || "✗ " : "";
      said.textContent = done ? `answer: ${answer.told}` : answer ? "answer: not yet" : "no answer";
      why.textContent = late ? ` ✗ departs: ${mark.reason || ""}` : "";
      flag(line, done ? `answer ${answer.verdict}` : "answer", late);
      if (!log) return;
      reason.className = wrong >= 0 ? "why" : "why later";
      entries.forEach((entry, each) => flag(entry, each > at ? "later" : each === at ? "now" : "", each === wrong));
      table.scrollTop = at > 0 && entries[at] ? entries[at].offsetTop - table.clientHeight / 2 : 0;
      curve.show(Math.min(n, log.depths.length), at, wrong, mark);
    };
    if (kept && !log) curve.show(kept.depths.length, -1, -1, null);

    const told = (n) => {
      const at = n - 1;
      if (at < 0) return `${scene.heading}, ${scene.moves.length} legal move${scene.moves.length === 1 ? "" : "s"}`;
      if (answer && n === steps.count) return `answer: ${answer.told}`;
      if (!log) return `${named(scene.moves[at])}: ${worth(at) || "no labels"}`;
      if (at >= log.depths.length) return `no entry of a log: ${log.rest}`;
      return `depth ${log.depths[at]}: ${log.scores[at]}, ${percent(log.wins[at])}, best ${named(log.moves[at])}`;
    };
    return { show, told };
  };

  function entryRow(...cells) {
    return html("tr", { class: "" }, cells.map((told, at) => html("td", { class: at < 3 ? null : "word" }, told)));
  }

  /* Win probability by depth: the row's own log step by step, the teacher's behind it on the same axes. */
  function drawCurve(scene, own, short) {
    const other = scene.log && JSON.stringify(scene.log) !== JSON.stringify(own) ? scene.log : null;
    const most = Math.max(1, ...own.depths, ...(scene.log ? scene.log.depths : []));
    const deepest = DEEPEST.find((depth) => depth >= most) || most;
    const x = (depth) => 40 + (depth / deepest) * 308, y = (mille) => 150 - (mille / 1000) * 132;
    const path = (log, until) => log.depths.slice(0, until).map((depth, at) => `${at ? "L" : "M"}${x(depth).toFixed(1)} ${y(log.wins[at]).toFixed(1)}`).join("");
    const grid = [0, 500, 1000].flatMap((mille) => [svg("path", { class: "grid", d: `M40 ${y(mille)}H348` }), svg("text", { class: "end", x: 35, y: y(mille) + 4 }, `${mille / 10}%`)]);
    const ticks = [0, 1, 2, 3, 4].map((part) => svg("text", { class: "mid", x: x((deepest * part) / 4), y: 167 }, String((deepest * part) / 4)));
    const layer = svg("g");
    const picture = svg("svg", { class: `curve ${other ? "student" : "teacher"}`, viewBox: "0 0 360 186", role: "img", "aria-label": "win probability of the best move by depth; the table has the numbers" },
      grid, ticks, svg("text", { class: "mid", x: 194, y: 182 }, "depth"),
      other ? [svg("path", { class: "theirs", d: path(other, other.depths.length) }), svg("path", { class: "theirs", d: "M230 9h22" }), svg("text", { x: 256, y: 13 }, "teacher's log"),
        svg("path", { class: "own", d: "M150 9h22" }), svg("text", { x: 176, y: 13 }, "this log")] : null, layer);
    const show = (until, at, wrong, mark) => {
      const drawn = [svg("path", { class: "own", d: path(own, until) })], taken = [];
      for (let each = 0; each < until; each += 1) {
        const [u, v] = [x(own.depths[each]), y(own.wins[each])], legal = scene.moves.includes(own.moves[each]);
        const dot = legal ? svg("circle", { cx: u, cy: v, r: 2.6 }) : svg("path", { class: "cross", d: `M${u - 4} ${v - 4}l8 8m0 -8l-8 8` });
        if (each === wrong) {
          drawn.push(svg("g", { class: "departure", "data-step": each }, svg("title", {}, mark.reason || ""), dot,
            svg("circle", { class: "ring", cx: u, cy: v, r: 8 }), svg("text", { class: "mid", x: u, y: v < 40 ? v + 24 : v - 12 }, "✗")));
        } else drawn.push(dot);
        if (each === at) drawn.push(svg("path", { class: "cursor", d: `M${u} 18V150` }), svg("circle", { class: "current", cx: u, cy: v, r: 6 }));
        if (each && own.moves[each] === own.moves[each - 1]) continue;
        const told = short(own.moves[each]), half = told.length * 3.2 + 2, centre = Math.min(Math.max(u, 40 + half), 356 - half);
        const spot = [v - 9, v + 17, v - 21, v + 29].find((top) => top > 24 && top < 150 && taken.every(([mid, wide, high]) => Math.abs(mid - centre) > wide + half || Math.abs(high - top) > 11));
        if (spot === undefined || each === wrong) continue;
        taken.push([centre, half, spot]);
        drawn.push(svg("text", { class: "mid move", x: centre, y: spot }, told));
      }
      layer.replaceChildren(...drawn);
    };
    return { picture, show };
  }
})() });
