// The image browser: filters, the slider, counts, one image large, all others small.

class ImageBrowser {
  constructor(place, part, jpegs) {
    Object.assign(this, { place, part, jpegs, boxes: part.kinds.length > 0 });
    const other = part.runs.findIndex((run) => run.letter !== part.runs[0].letter);
    this.chosen = [0, other > 0 ? other : Math.min(1, part.runs.length - 1)];
    this.step = null; // of the slider; null: each run's own confidence
    this.filters = { category: null, kind: null, group: null, pair: null };
    this.order = "telling";
    this.labels = true;
    this.view = { x: 0, y: 0, size: 1 };
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
    const number = this.part.runs.findIndex((run) => run.name === name);
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

  go(to) {
    if (!this.images.length) return;
    this.at = (to + this.images.length) % this.images.length;
    this.view = { x: 0, y: 0, size: 1 };
    this.drawViewer();
    this.markCurrent(true);
  }

  zoom(factor, x = 0.5, y = 0.5) {
    const size = Math.min(1, Math.max(0.08, this.view.size / factor));
    const left = this.view.x + (this.view.size - size) * x;
    const top = this.view.y + (this.view.size - size) * y;
    this.look(left, top, size);
  }

  look(x, y, size) {
    const within = (value) => Math.min(1 - size, Math.max(0, value));
    this.view = { x: within(x), y: within(y), size };
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
    const caption = `${this.images.length} of ${part.total} images. All images of ${part.split}: counts of the scorer, ${category}.`;
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
      const confidence = confidenceOf(part, run, this.step);
      const text = `${judged.found.size} found, ${judged.notFound} not found, ${judged.falseAlarms} false`;
      return panels.push(panel(runText(run), text, picture(part, image, this.source(image), view, width, `${runText(run)} on ${shown.file}: ${text}`, drawRun(part, run, image, confidence, labels))));
    });
    const stage = element("div", { class: "panels", style: `--columns: ${columns}` }, ...panels);
    for (const svg of stage.querySelectorAll("svg.picture")) this.listen(svg);
    this.viewer.replaceChildren(this.toolbar(shown), stage, legend(part));
  }

  toolbar(shown) {
    const button = (text, label, onclick, disabled = false) => element("button", { type: "button", "aria-label": label, title: label, onclick, disabled }, text);
    return element("div", { class: "controls viewer-bar" },
      button("←", "Previous image (left arrow)", () => this.go(this.at - 1)),
      button("→", "Next image (right arrow)", () => this.go(this.at + 1)),
      element("span", {}, `${this.at + 1} / ${this.images.length}`),
      element("code", {}, shown.file),
      shown.group ? element("span", { class: "note" }, shown.group) : null,
      element("span", { class: "space" }),
      button("−", "Zoom out (minus)", () => this.zoom(1 / 1.5), this.view.size === 1),
      button("+", "Zoom in (plus)", () => this.zoom(1.5)),
      button("1:1", "The whole image (0)", () => this.look(0, 0, 1), this.view.size === 1));
  }

  /** Dragging moves the view, a double click looks closer. */
  listen(svg) {
    svg.addEventListener("dblclick", (event) => {
      const place = svg.getBoundingClientRect();
      this.zoom(2, (event.clientX - place.left) / place.width, (event.clientY - place.top) / place.height);
    });
    svg.addEventListener("pointerdown", (event) => {
      if (this.view.size === 1) return;
      event.preventDefault();
      const { width, height } = svg.getBoundingClientRect();
      const { x, y, size } = this.view;
      const move = (now) => this.look(x - ((now.clientX - event.clientX) / width) * size, y - ((now.clientY - event.clientY) / height) * size, size);
      const end = () => removeEventListener("pointermove", move);
      addEventListener("pointermove", move);
      addEventListener("pointerup", end, { once: true });
    });
  }

  source(image) {
    return `data:image/jpeg;base64,${this.jpegs[image]}`;
  }

  watchThumbnails() {
    this.seen = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        target.querySelector("img").src = this.source(Number(target.dataset.image));
        this.seen.unobserve(target);
      }
    }, { root: this.strip, rootMargin: "300px" });
    this.strip.setAttribute("role", "group");
    this.strip.setAttribute("aria-label", "Images");
  }

  drawStrip() {
    this.thumbnails ??= this.part.images.map((shown, image) => {
      const button = element("button", { type: "button", class: "thumbnail", "data-image": image, title: shown.file, onclick: () => this.go(this.images.indexOf(image)) },
        element("img", { alt: shown.file, width: 112, height: 84 }), element("span", {}));
      if (shown.width <= 64) button.classList.add("pixelated");
      this.seen.observe(button);
      return button;
    });
    for (const image of this.images) {
      const errors = this.judged.map((of) => of[image]);
      const text = errors.map((one) => (one ? (this.boxes ? `${one.errors.length}` : one.falseAlarms ? "✗" : one.found.size ? "✓" : "–") : "·")).join(" | ");
      this.thumbnails[image].lastChild.textContent = text;
    }
    const order = this.images.join();
    if (order !== this.shownOrder) this.strip.replaceChildren(...this.images.map((image) => this.thumbnails[image]));
    this.shownOrder = order;
    this.markCurrent(false);
  }

  markCurrent(scroll) {
    this.strip.querySelector("[aria-current]")?.removeAttribute("aria-current");
    const thumbnail = this.thumbnails[this.images[this.at]];
    thumbnail?.setAttribute("aria-current", "true");
    if (scroll && thumbnail) {
      const top = thumbnail.offsetTop - this.strip.offsetTop;
      if (top < this.strip.scrollTop || top > this.strip.scrollTop + this.strip.clientHeight - 90) this.strip.scrollTop = top - 90;
    }
  }

  drawConfusions() {
    this.confusions.replaceChildren(confusionTable(this.part, this.runs[0], this.filters.pair, (pair) => this.showPair(pair)));
  }

  /** Keys, while the image is on the screen. */
  press(key) {
    const keys = {
      ArrowLeft: () => this.go(this.at - 1), ArrowRight: () => this.go(this.at + 1),
      "+": () => this.zoom(1.5), "=": () => this.zoom(1.5), "-": () => this.zoom(1 / 1.5), 0: () => this.look(0, 0, 1),
    };
    keys[key]?.();
    return key in keys;
  }
}

function runText(run) {
  return `${run.letter} ${run.label}, seed ${run.seed}`;
}

/** The scorer's confusion matrix, whose cells are buttons; of many classes the commonest mistakes. */
function confusionTable(part, run, chosen, onchoose) {
  const names = [...part.classes, "background"].slice(0, run.matrix.length);
  const button = (truth, predicted, text) => element("button", {
    type: "button", "aria-pressed": String(chosen?.[0] === truth && chosen[1] === predicted),
    "aria-label": `${text}: ${names[truth]} taken for ${names[predicted]}`,
    onclick: () => onchoose([truth, predicted]),
  }, String(text));
  const where = part.kinds.length ? ` at confidence ${hundredths(run.confidence ?? 0)} and IoU ${part.iou}; classes compete for an object here` : "";
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
  const jpegs = [...document.querySelectorAll("script.jpegs")].map((block) => block.textContent.trim().split("\n"));
  for (const place of document.querySelectorAll(".browser")) {
    const number = Number(place.dataset.browser);
    browsers.push(new ImageBrowser(place, parts[number], jpegs[number]));
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
    const visible = browsers.find(({ viewer }) => {
      const { top, bottom } = viewer.getBoundingClientRect();
      return top < innerHeight - 100 && bottom > 100;
    });
    if (visible?.press(event.key)) event.preventDefault();
  });
  for (const heading of document.querySelectorAll("th[data-class]")) {
    const name = heading.dataset.class;
    const part = browsers.find((browser) => browser.part.classes.includes(name));
    if (part) heading.replaceChildren(element("button", { type: "button", class: "link", title: "Show its images", onclick: () => part.showClass(name) }, name));
  }
}
