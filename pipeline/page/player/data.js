/* What the page holds: the list's columns, and blocks of steps that are unpacked when they are asked for. */
"use strict";
distill.data = (() => {
  const KEPT = 24; // unpacked problems that are remembered
  const { artifacts, budget, problems, names, columns } = JSON.parse(document.getElementById("traces-index").textContent);

  const named = (column, row) => (columns[column][row] === null ? null : names[column][columns[column][row]]);
  const rows = columns.problem.map((problem, at) => ({
    at,
    artifact: columns.artifact[at],
    id: problems[problem],
    by: named("by", at),
    sample: columns.sample[at],
    split: named("split", at),
    verdict: named("verdict", at),
    level: named("level", at),
    words: columns.words[at],
    teacherWords: columns.teacher_words[at],
    steps: columns.steps[at],
    departure: columns.departure[at],
    why: named("why", at),
    answerWhy: named("answer_why", at),
    block: columns.block[at],
    place: columns.at[at],
  }));

  const unpacked = new Map();
  const bytes = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const unpack = async (number) => {
    if (typeof DecompressionStream !== "function") {
      throw new Error("This browser cannot unpack steps (it has no DecompressionStream); a newer one can.");
    }
    const packed = bytes(JSON.parse(document.getElementById(`traces-block-${number}`).textContent));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return JSON.parse(await new Response(stream).text());
  };

  return {
    artifacts,
    budget,
    rows,
    problems,
    /* The steps of a problem, { scene, teacher, steps }; the promise fails with a sentence. */
    block: (number) => {
      if (!unpacked.has(number)) {
        unpacked.set(number, unpack(number));
        if (unpacked.size > KEPT) unpacked.delete(unpacked.keys().next().value);
      }
      return unpacked.get(number);
    },
    /* How a reader calls a row's author: "model 1, greedy", "start, sample 3", "teacher". */
    author: (row) => (row.sample === null ? row.by : `${row.by}, ${row.sample < 0 ? "greedy" : `sample ${row.sample + 1}`}`),
    /* The rows of a problem in its artifact, other than this one, that can be played. */
    others: (row) => rows.filter((each) => each !== row && each.block !== null && each.block === row.block && each.place >= 0),
  };
})();
