// The image browser: filters, the slider, counts, one image large, all others small.

class ImageBrowser extends ImageViewer {
  constructor(place, part, jpegs) {
    super(place, part, jpegs);
    this.boxes = part.kinds.length > 0;
    const other = part.runs.findIndex((run) => run.letter !== part.runs[0].letter);
    this.chosen = [0, other > 0 ? other : Math.min(1, part.runs.length - 1)];
    this.step = null; // of the slider; null: each run's own confidence
    this.filters = { category: null, kind: null, group: null, pair: null };
    this.order = "telling";
    this.build();
    this.drawConfusions();
    this.judge();
  }

  get runs() {
    return this.chosen.map((number) => this.part.runs[number]);
  }

  build() {
    const parts = ["controls", "choice", "counts", "viewer", "strip", "confusions"];
    for (const name of parts) this[name] = element("div", { class: `browser-${name}` });
    this.counts.setAttribute("aria-live", "polite");
    this.place.replaceChildren(this.controls, this.choice, this.counts, this.viewer, this.strip, this.confusions);
    this.buildControls();
    this.buildFilters();
    this.watchThumbnails();
    new ResizeObserver(() => this.drawViewer()).observe(this.viewer);
  }

  buildControls() {
    const names = this.part.runs.map((run, number) => [String(number), runText(run)]);
    const pick = (side) => (value) => {
      this.chosen[side] = Number(value);
      this.drawConfusions();
      this.judge();
    };
    const last = this.part.confidences.length - 1;
    this.slider = element("input", { type: "range", min: 0, max: last, step: 1, "aria-label": "Confidence from which boxes are shown", oninput: () => this.slide(Number(this.slider.value)) });
    this.sliderText = element("output", {});
    this.own = toggle(this.boxes ? "each run’s own" : "all answers", true, (on) => this.slide(on ? null : Number(this.slider.value)));
    this.controls.classList.add("controls");
    this.controls.append(
      chooser("left", names, pick(0), String(this.chosen[0])),
      chooser("right", names, pick(1), String(this.chosen[1])),
      element("label", { class: "slider" }, "confidence", this.slider, this.sliderText),
      this.own,
    );
    if (this.boxes) this.controls.append(toggle("labels", true, (on) => {
      this.labels = on;
      this.drawViewer();
    }));
  }

  buildFilters() {
    const { part } = this;
    const set = (name, read) => (value) => {
      this.filters[name] = value === "" ? null : read(value);
      this.choose();
    };
    const classes = part.classes.map((name, number) => [String(number), name]);
    const groups = [...new Set(part.images.map((image) => image.group))].sort(PLAIN.compare);
    const kinds = this.boxes ? [...part.kinds, NOT_FOUND] : ["wrong"];
    const named = kinds.map((kind) => [kind, KIND_WORDS[kind] ?? kind]);
    this.choice.classList.add("controls");
    this.categoryChooser = chooser("class", [["", "all"], ...classes], set("category", Number), "");
    this.choice.append(
      this.categoryChooser,
      chooser("errors", [["", "with and without"], ["any error", "any error"], ...named, ["no error", "no error"]], set("kind", String), ""),
    );
    if (groups.length > 1) this.choice.append(chooser("group", [["", "all"], ...groups.map((group, number) => [String(number), group || "without"])], (value) => {
      this.filters.group = value === "" ? null : groups[Number(value)];
      this.choose();
    }, ""));
    const orders = [["telling", "telling ones first"], ["worst", "worst of the left run first"], ["disagreement", "largest disagreement first"], ["name", "file name"]];
    this.choice.append(chooser("order", orders, (value) => {
      this.order = value;
      this.choose();
    }, "telling"));
    this.pairButton = element("button", { type: "button", hidden: true, onclick: () => this.showPair(null) });
    this.choice.append(this.pairButton);
  }

  slide(step) {
    this.step = step;
    this.own.setAttribute("aria-pressed", String(step === null));
    if (step !== null) this.slider.value = step;
    this.judge();
  }

  /** Shows the images of a class. */
  showClass(name) {
    const number = this.part.classes.indexOf(name);
    this.categoryChooser.querySelector("select").value = String(number);
    this.filters.category = number;
    this.choose();
    this.place.scrollIntoView();
  }

  /** Shows the images of a cell of the confusion matrix of the left run; all for null. */
  showPair(pair) {
    this.filters.pair = pair;
    this.pairButton.hidden = !pair;
    if (pair) {
      const names = [...this.part.classes, "background"];
      this.pairButton.textContent = `${names[pair[0]]} taken for ${names[pair[1]]} ×`;
    }
    this.drawConfusions();
    this.choose();
    if (pair) this.place.scrollIntoView();
  }

  /** Shows a run from a confidence on. */
  showAt(name, confidence) {
    const number = this.part.runs.findIndex((run) => run.names.includes(name));
    if (number < 0) return;
    this.chosen[0] = number;
    this.drawConfusions();
    this.controls.querySelector("select").value = String(number);
    const steps = this.part.confidences;
    const nearest = steps.reduce((best, value, i) => (Math.abs(value - confidence) < Math.abs(steps[best] - confidence) ? i : best), 0);
    this.slide(nearest);
    this.place.scrollIntoView();
  }

  judge() {
    const text = this.runs.map((run) => hundredths(confidenceOf(this.part, run, this.step)));
    this.sliderText.textContent = this.step === null ? (this.boxes ? [...new Set(text)].join(" and ") : "all") : text[0];
    this.judged = this.runs.map((run) => judgedAll(this.part, run, this.step));
    this.choose();
  }

  /** Chooses and orders the images that are shown. */
  choose() {
    const { part, filters, judged } = this;
    const current = this.images?.[this.at];
    this.images = part.images.map((_, image) => image).filter((image) => isWanted(part, image, filters, this.runs, judged));
    this.images.sort((a, b) => ORDERS[this.order](a, b, judged, part) || a - b);
    this.at = Math.max(0, this.images.indexOf(current));
    this.drawCounts();
    this.drawStrip();
    this.drawViewer();
  }

  drawCounts() {
    const { part, filters } = this;
    const heads = this.boxes ? ["found", "not found", "false alarms", "precision", "recall"] : ["right", "not right", "wrong", "precision", "recall"];
    const row = (name, counts, data) => {
      const { right, notFound, falseAlarms } = counts;
      const share = (part, whole) => (whole ? (part / whole).toFixed(3) : "–");
      const values = [right, notFound, falseAlarms, share(right, right + falseAlarms), share(right, right + notFound)];
      return element("tr", { "data-counts": data }, element("th", { scope: "row" }, name), ...values.map((value) => element("td", { class: "number" }, String(value))));
    };
    const body = this.runs.flatMap((run, side) => [
      row(`${runText(run)}: all ${part.total} images of ${part.split}`, splitCounts(part, run, this.step, filters.category), `split-${side}`),
      row(`the ${this.images.length} shown here`, shownCounts(this.judged[side], this.images), `shown-${side}`),
    ]);
    const category = filters.category === null ? "all classes together" : part.classes[filters.category];
    const signs = `On the small pictures: ${this.boxes ? "errors" : "whether right"}, ${this.runs.length > 1 ? "left | right" : "of the run"}.`;
    const caption = `${this.images.length} of ${part.total} images. All images of ${part.split}: counts of the scorer, ${category}. ${signs}`;
    const head = element("tr", {}, element("td", {}), ...heads.map((text) => element("th", { scope: "col", class: "number" }, text)));
    this.counts.replaceChildren(element("div", { class: "scroll" }, element("table", { class: "plain" }, element("caption", {}, caption), element("thead", {}, head), element("tbody", {}, ...body))));
  }

  drawViewer() {
    if (!this.images) return;
    const image = this.images[this.at];
    if (image === undefined) {
      this.viewer.replaceChildren(element("p", { class: "note" }, "No image passes these filters."));
      return;
    }
    const { part, view, labels } = this;
    const shown = part.images[image];
    const columns = this.viewer.clientWidth < 620 ? 1 : 1 + new Set(this.chosen).size;
    const width = this.viewer.clientWidth / columns;
    const panel = (title, extra, child) => element("figure", { class: "panel" }, element("figcaption", {}, title, extra ? element("span", {}, extra) : null), child);
    const objects = shown.truth.map((object) => part.classes[object[0]]);
    const panels = [panel(this.boxes ? "Truth" : `Truth: ${objects[0]}`, this.boxes ? `${objects.length} objects` : "",
      picture(part, image, this.source(image), view, width, `${shown.file}: ${objects.join(", ") || "no object"}`, this.boxes && drawTruth(part, image, labels)))];
    [...new Set(this.chosen)].forEach((number, side) => {
      const run = part.runs[number];
      const judged = this.judged[side][image];
      if (!judged) return panels.push(panel(runText(run), "", element("p", { class: "note" }, "Not in the split of this run.")));
      if (!this.boxes) return panels.push(panel(runText(run), judged.falseAlarms ? "wrong" : judged.found.size ? "right" : "no answer", answerList(part, run, image)));
      const confidence = confidenceOf(part, run, this.step, image);
      const text = `${judged.found.size} found, ${judged.notFound} not found, ${judged.falseAlarms} false`;
      return panels.push(panel(runText(run), text, picture(part, image, this.source(image), view, width, `${runText(run)} on ${shown.file}: ${text}`, drawRun(part, run, image, confidence, labels))));
    });
    const stage = element("div", { class: "panels", style: `--columns: ${columns}` }, ...panels);
    for (const svg of stage.querySelectorAll("svg.picture")) this.listen(svg);
    this.viewer.replaceChildren(this.toolbar(shown), stage, legend(part));
  }

  captionOf(image) {
    const errors = this.judged.map((of) => of[image]);
    return errors.map((one) => (one ? (this.boxes ? `${one.errors.length}` : one.falseAlarms ? "✗" : one.found.size ? "✓" : "–") : "·")).join(" | ");
  }

  drawConfusions() {
    this.confusions.replaceChildren(confusionTable(this.part, this.runs[0], this.filters.pair, (pair) => this.showPair(pair)));
  }

}

function runText(run) {
  return `${run.letter} ${run.label}, ${run.folds ? `${run.folds} folds` : `seed ${run.seed}`}`;
}

/** The scorer's confusion matrix, whose cells are buttons; of many classes the commonest mistakes. */
function confusionTable(part, run, chosen, onchoose) {
  const names = [...part.classes, "background"].slice(0, run.matrix.length);
  const button = (truth, predicted, text) => element("button", {
    type: "button", "aria-pressed": String(chosen?.[0] === truth && chosen[1] === predicted),
    "aria-label": `${text}: ${names[truth]} taken for ${names[predicted]}`,
    onclick: () => onchoose([truth, predicted]),
  }, String(text));
  const where = part.kinds.length ? ` at ${run.folds ? "the confidence of each fold" : `confidence ${hundredths(run.confidence ?? 0)}`} and IoU ${part.iou}; classes compete for an object here` : "";
  const caption = element("caption", {}, `Confusions of ${runText(run)} on ${part.split}, all images${where}. Press a number to see its images.`);
  const cells = run.matrix.flatMap((row, truth) => row.map((count, predicted) => ({ truth, predicted, count })));
  if (names.length <= 14) {
    const most = Math.max(1, ...cells.map((cell) => cell.count));
    const head = element("tr", {}, element("th", {}, "truth ↓ taken for →"), ...names.map((name) => element("th", { scope: "col" }, name)));
    const rows = run.matrix.map((row, truth) => element("tr", {}, element("th", { scope: "row" }, names[truth]),
      ...row.map((count, predicted) => {
        const cell = element("td", { class: truth === predicted ? "cell diagonal" : "cell" }, count ? button(truth, predicted, count) : "");
        cell.style.setProperty("--share", `${Math.round(70 * Math.sqrt(count / most))}%`);
        return cell;
      })));
    return element("div", { class: "scroll" }, element("table", { class: "matrix" }, caption, element("thead", {}, head), element("tbody", {}, ...rows)));
  }
  const mistakes = cells.filter((cell) => cell.count && cell.truth !== cell.predicted).sort((a, b) => b.count - a.count).slice(0, 25);
  const rows = mistakes.map(({ truth, predicted, count }) => element("tr", {}, element("td", {}, names[truth]), element("td", {}, names[predicted]), element("td", { class: "cell number" }, button(truth, predicted, count))));
  const head = element("tr", {}, ...["class", "taken for", "how often"].map((text) => element("th", { scope: "col" }, text)));
  return element("div", { class: "scroll" }, element("table", { class: "plain" }, caption, element("thead", {}, head), element("tbody", {}, ...rows)));
}

const browsers = [];
if (document.querySelector(".browser")) {
  const parts = JSON.parse(await unpacked("packed-browsers"));
  browsers.push(...builtBrowsers(ImageBrowser, parts));
  listenToKeys(browsers);
  for (const heading of document.querySelectorAll("th[data-class]")) {
    const name = heading.dataset.class;
    const part = browsers.find((browser) => browser.part.classes.includes(name));
    if (part) heading.replaceChildren(element("button", { type: "button", class: "link", title: "Show its images", onclick: () => part.showClass(name) }, name));
  }
}
