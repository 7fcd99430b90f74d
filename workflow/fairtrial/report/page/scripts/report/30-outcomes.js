// What runs made of images at a confidence: counted here for the images of the page, and taken from
// the scorer's table for the whole split. Nothing here touches the document.

const RIGHT = -1;
const BOX = 8; // numbers of a box: class, kind, object, confidence, x, y, width, height
const NOT_FOUND = "not found";

/** The boxes of a run on an image from a confidence on, the surest first. */
function boxesOf(run, image, confidence) {
  const flat = run.marks[image] ?? [];
  const boxes = [];
  for (let i = 0; i < flat.length && flat[i + 3] >= confidence; i += BOX) {
    boxes.push({
      category: flat[i], kind: flat[i + 1], target: flat[i + 2], score: flat[i + 3],
      x: flat[i + 4], y: flat[i + 5], width: flat[i + 6], height: flat[i + 7],
    });
  }
  return boxes;
}

/** The objects of an image that count; crowds are neither found nor missed. */
function objectsOf(image) {
  return image.truth.filter((object) => !object[5]);
}

/** What a run made of an image with boxes: what is right, false alarms by kind, what is not found. */
function judgedBoxes(part, run, image, confidence) {
  if (!run.marks[image]) return null;
  const found = new Set();
  const errors = [];
  for (const box of boxesOf(run, image, confidence)) {
    if (box.kind === RIGHT) found.add(box.target);
    else errors.push({ kind: part.kinds[box.kind], category: box.category });
  }
  const falseAlarms = errors.length;
  objectsOf(part.images[image]).forEach((object, place) => {
    if (!found.has(place)) errors.push({ kind: NOT_FOUND, category: object[0] });
  });
  return { found, falseAlarms, notFound: errors.length - falseAlarms, errors, weight: errors.length };
}

/** What a classifier made of an image: below the confidence it has no answer. */
function judgedClass(part, run, image, confidence) {
  const mark = run.marks[image];
  if (!mark) return null;
  const truth = part.images[image].truth[0][0];
  const [answer, probability] = mark;
  const answered = probability >= confidence;
  const right = answered && answer === truth;
  const wrong = answered && answer !== truth;
  const errors = wrong ? [{ kind: "wrong", category: truth }, { kind: "wrong", category: answer }] : [];
  return {
    found: new Set(right ? [0] : []), falseAlarms: Number(wrong), notFound: Number(!right), errors,
    weight: wrong ? probability : 0, answer, probability,
  };
}

/** What a run made of every image. `step`: a place of the slider, null for the run's own. */
function judgedAll(part, run, step) {
  const judge = part.kinds.length ? judgedBoxes : judgedClass;
  return part.images.map((_, image) => judge(part, run, image, confidenceOf(part, run, step, image)));
}

/** The confidence from which boxes count; of folds, each image has that of its fold. */
function confidenceOf(part, run, step, image) {
  if (step !== null) return part.confidences[step];
  return run.own[image] ?? run.confidence ?? (part.kinds.length ? 1.1 : 0);
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

/** The scorer's counts on the whole split, of one class or of all (null). */
function splitCounts(part, run, step, category) {
  const place = step ?? part.confidences.length;
  const { objects, right, false: wrong } = run.counts;
  const rows = category === null ? objects.keys() : [category];
  const counts = { right: 0, falseAlarms: 0, objects: 0 };
  for (const row of rows) {
    counts.right += right[row][place];
    counts.falseAlarms += wrong[row][place];
    counts.objects += objects[row];
  }
  return { ...counts, notFound: counts.objects - counts.right };
}

/** The same for the images of the page that are shown. */
function shownCounts(judged, places) {
  const here = places.map((place) => judged[place]).filter(Boolean);
  return {
    right: sum(here.map((one) => one.found.size)),
    falseAlarms: sum(here.map((one) => one.falseAlarms)),
    notFound: sum(here.map((one) => one.notFound)),
  };
}

/** How far two runs differ on an image. */
function difference(one, other) {
  if (!one || !other) return 0;
  const onlyOne = [...one.found].filter((place) => !other.found.has(place)).length;
  const onlyOther = [...other.found].filter((place) => !one.found.has(place)).length;
  const answers = one.answer !== other.answer ? 1 : 0;
  return onlyOne + onlyOther + Math.abs(one.falseAlarms - other.falseAlarms) + answers;
}

/** Whether the confusion matrix counts a pair (true, predicted) of classes on an image. */
function hasPair(run, image, pair) {
  const pairs = run.pairs[image] ?? [];
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i] === pair[0] && pairs[i + 1] === pair[1]) return true;
  }
  return false;
}

/** Whether an image passes the filters. `judged`: that of the compared runs. */
function isWanted(part, image, filters, runs, judged) {
  const { category, kind, group, pair } = filters;
  const shown = part.images[image];
  if (group !== null && shown.group !== group) return false;
  if (pair && !hasPair(runs[0], image, pair)) return false;
  const errors = judged.flatMap((of) => of[image]?.errors ?? []);
  const fits = (error) => (kind === "any error" || kind === null || error.kind === kind) && (category === null || error.category === category);
  if (kind !== null && kind !== "no error") return errors.some(fits);
  if (kind === "no error" && errors.length) return false;
  return category === null || shown.truth.some((object) => object[0] === category) || errors.some(fits);
}

const ORDERS = {
  telling: () => 0,
  worst: (a, b, judged) => (judged[0][b]?.weight ?? -1) - (judged[0][a]?.weight ?? -1),
  disagreement: (a, b, judged) => difference(judged[0][b], judged[1][b]) - difference(judged[0][a], judged[1][a]),
  name: (a, b, judged, part) => PLAIN.compare(part.images[a].file, part.images[b].file),
};
