/* Texts that stand out from their ground by less than 4.5 to 1 (WCAG 2.2, 1.4.3), each with its element's class. */
() => {
  const parts = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const over = (above, below) => [0, 1, 2].map((at) => above[at] * (above[3] ?? 1) + below[at] * (1 - (above[3] ?? 1)));
  const linear = (part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
  const light = (colour) => 0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2]);
  const ground = (element) => (element === null ? [255, 255, 255]
    : over(parts(getComputedStyle(element).backgroundColor), ground(element.parentElement)));
  const found = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const told = texts.currentNode.data.trim(), element = texts.currentNode.parentElement;
    if (!told || element.closest("svg, script, option, :disabled") || !element.checkVisibility({ visibilityProperty: true })) continue;
    const colour = parts(getComputedStyle(element).color);
    if (colour[3] === 0) continue;
    const below = ground(element), [dark, bright] = [light(over(colour, below)), light(below)].sort((a, b) => a - b);
    if ((bright + 0.05) / (dark + 0.05) < 4.5) found.push(`${element.className}: ${told.slice(0, 40)}`);
  }
  return [...new Set(found)];
}
