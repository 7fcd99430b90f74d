// One image with boxes as SVG, and the answers of a classifier beside it.

const SVG = "http://www.w3.org/2000/svg";

function shape(tag, attributes, text = "") {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}

function hundredths(value) {
  return value.toFixed(2).replace(/^0/, "");
}

function className(kind) {
  return `mark-${kind.replaceAll(" ", "-")}`;
}

/** A box with a light line below, so that it can be seen on any picture, and its label. */
function drawBox(svg, box, kind, label, unit) {
  const place = { x: box.x, y: box.y, width: box.width, height: box.height };
  svg.append(shape("rect", { ...place, class: "halo" }), shape("rect", { ...place, class: `mark ${className(kind)}` }));
  if (label) writeLabel(svg, box, kind, label, unit);
}

/** Writes a label at a corner of its box, within the picture and off the labels that are there. */
function writeLabel(svg, box, kind, label, unit) {
  const [height, width] = [13 * unit, label.length * 7 * unit];
  const [, , right] = svg.getAttribute("viewBox").split(" ").map((value, i, all) => (i === 2 ? Number(all[0]) + Number(value) : Number(value)));
  const x = Math.max(0, Math.min(box.x, right - width));
  const lines = [box.y - 3 * unit, box.y + box.height + 12 * unit, box.y + 12 * unit, box.y + 25 * unit, box.y + 38 * unit];
  svg.labels ??= [];
  const isFree = (y) => y > height && !svg.labels.some((other) => Math.abs(other.y - y) < height && x < other.x + other.width && other.x < x + width);
  const y = lines.find(isFree) ?? lines[2];
  svg.labels.push({ x, y, width });
  svg.append(shape("text", { x, y, "font-size": 12 * unit, "stroke-width": 3 * unit, class: `label ${className(kind)}` }, label));
}

/** A picture, of which `view` (shares x, y, size) is seen; `draw` adds boxes. */
function picture(part, image, source, view, width, description, draw) {
  const shown = part.images[image];
  const seen = [view.x * shown.width, view.y * shown.height, view.size * shown.width, view.size * shown.height];
  const svg = shape("svg", { viewBox: seen.join(" "), role: "img", "aria-label": description, class: "picture" });
  const pixelated = shown.width <= 64 ? { style: "image-rendering: pixelated" } : {};
  svg.append(shape("image", { href: source, width: shown.width, height: shown.height, preserveAspectRatio: "none", ...pixelated }));
  if (draw) draw(svg, (view.size * shown.width) / Math.max(width, 1));
  return svg;
}

const LABEL = 16; // characters of a class in a label

/** The names of all classes as labels have them: cut where they stay distinct, at the end, at the beginning, or without what all begin with. */
function labelNames(part) {
  if (part.labelNames) return part.labelNames;
  const cut = (text) => (text.length > LABEL ? `${text.slice(0, LABEL - 1)}…` : text);
  const cutBefore = (text) => (text.length > LABEL ? `…${text.slice(1 - LABEL)}` : text);
  const [first] = part.classes;
  let begin = 0;
  while (begin < first?.length && part.classes.every((name) => name[begin] === first[begin])) begin += 1;
  const ways = [cut, cutBefore, (text) => cut(`…${text.slice(begin)}`)].map((way) => part.classes.map(way));
  part.labelNames = ways.find((names) => new Set(names).size === names.length) ?? ways[0];
  return part.labelNames;
}

/** Draws the ground truth. */
function drawTruth(part, image, labels) {
  return (svg, unit) => {
    for (const [category, x, y, width, height, crowd] of part.images[image].truth) {
      const label = labels ? labelNames(part)[category] + (crowd ? " (crowd)" : "") : "";
      drawBox(svg, { x, y, width, height }, crowd ? "crowd" : "truth", label, unit);
    }
  };
}

/** Draws what a run found, and what it did not find. */
function drawRun(part, run, image, confidence, labels) {
  return (svg, unit) => {
    const found = new Set();
    const boxes = boxesOf(run, image, confidence);
    for (const box of boxes) if (box.kind === RIGHT) found.add(box.target);
    objectsOf(part.images[image]).forEach(([category, x, y, width, height], place) => {
      if (!found.has(place)) drawBox(svg, { x, y, width, height }, NOT_FOUND, labels ? labelNames(part)[category] : "", unit);
    });
    for (const box of boxes.reverse()) {
      const kind = box.kind === RIGHT ? "right" : part.kinds[box.kind];
      drawBox(svg, box, kind, labels ? `${labelNames(part)[box.category]} ${hundredths(box.score)}` : "", unit);
    }
  };
}

/** The likeliest classes of an image, as bars. */
function answerList(part, run, image) {
  const mark = run.marks[image];
  const truth = part.images[image].truth[0][0];
  const list = element("ol", { class: "answers" });
  for (let i = 0; i + 1 < mark.length; i += 2) {
    const bar = element("span", { class: "answer-bar" });
    bar.style.width = `${100 * mark[i + 1]}%`;
    const right = mark[i] === truth;
    list.append(element("li", { class: right ? "is-right" : null }, bar, element("span", {}, `${part.classes[mark[i]]}${right ? " ✓" : ""}`), element("b", {}, hundredths(mark[i + 1]))));
  }
  return list;
}

/** The signs of boxes, explained. */
function legend(part) {
  const kinds = part.kinds.length ? ["truth", "right", ...part.kinds, NOT_FOUND] : [];
  const items = kinds.map((kind) => {
    const sample = shape("svg", { width: 30, height: 12, "aria-hidden": "true" });
    sample.append(shape("rect", { x: 2, y: 2, width: 26, height: 8, class: `mark ${className(kind)}` }));
    return element("li", {}, sample, KIND_WORDS[kind] ?? kind);
  });
  return element("ul", { class: "legend", "aria-label": "Signs of boxes" }, ...items);
}

const KIND_WORDS = {
  truth: "object", right: "right", classification: "wrong class", localisation: "badly placed",
  both: "wrong class, badly placed", duplicate: "found twice", background: "background", wrong: "wrong class",
};
