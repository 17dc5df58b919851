/* What the view of a domain may use: `distill.register`, `distill.html`, `distill.svg`.

A domain's `view.js` calls distill.register(NAME, { open }) once. open(root, scene, steps, mark) draws into the empty
element `root` and gives { show(n), told(n) }:

  scene   what Domain.scene gave, steps what Domain.play gave (steps.count states follow the first one)
  mark    null, or { step, reason }: the first departure; step k (from 0) has happened in states n > k
  show    draws state n (0 to steps.count); a pure function of n, so that forth and back end alike
  told    the sentence of step n - 1, the last one of state n; of state 0 the beginning

Where a departure has happened, what it concerns has the class `departure` and the attribute data-step with its k,
a sign that is not a colour alone, and the reason as its title. Data become text nodes, never markup. */
"use strict";
const distill = (() => {
  const views = {};
  const made = (space) => (tag, attributes = {}, ...children) => {
    const element = document.createElementNS(space, tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
    }
    element.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return element;
  };
  return {
    views,
    register: (name, view) => { views[name] = view; },
    html: made("http://www.w3.org/1999/xhtml"),
    svg: made("http://www.w3.org/2000/svg"),
  };
})();
