// The browser of a data set: its images with their objects, filters, pairs that look alike.

const SIZES = [["small", 0, 32 ** 2], ["medium", 32 ** 2, 96 ** 2], ["large", 96 ** 2, Infinity]];

const DATA_ORDERS = {
  split: () => 0,
  name: (part, a, b) => PLAIN.compare(part.images[a].file, part.images[b].file),
  most: (part, a, b) => part.images[b].truth.length - part.images[a].truth.length,
  smallest: (part, a, b) => smallestArea(part.images[a]) - smallestArea(part.images[b]),
};

function areasOf(image) {
  return image.truth.filter((object) => object.length > 1).map(([, , , width, height]) => width * height);
}

function smallestArea(image) {
  return Math.min(Infinity, ...areasOf(image));
}

class DataBrowser extends ImageViewer {
  constructor(place, part, jpegs) {
    super(place, part, jpegs);
    this.filters = { split: "", category: "", group: "", defect: "", size: "" };
    this.order = "split";
    this.pair = null;
    this.at = 0;
    this.build();
    this.choose();
  }

  build() {
    const parts = ["choice", "counts", "viewer", "strip", "pairs"];
    for (const name of parts) this[name] = element("div", { class: `browser-${name}` });
    this.counts.setAttribute("aria-live", "polite");
    this.place.replaceChildren(this.choice, this.counts, this.viewer, this.strip, this.pairs);
    this.buildFilters();
    this.buildPairs();
    this.watchThumbnails();
    new ResizeObserver(() => this.drawViewer()).observe(this.viewer);
  }

  buildFilters() {
    const { part } = this;
    const found = (name) => [...new Set(part.images.flatMap((image) => image[name]))].sort(PLAIN.compare);
    const add = (label, name, options) => {
      if (options.length < 2) return;
      const all = [["", "all"], ...options];
      this.choice.append(chooser(label, all, (value) => {
        this.filters[name] = value;
        this.choose();
      }, ""));
    };
    const named = (texts) => texts.map((text, number) => [String(number), text || "without"]);
    this.groups = found("group");
    this.defects = found("defects");
    this.choice.classList.add("controls");
    add("split", "split", part.splits.map((split) => [split, split]));
    add("class", "category", [...named(part.classes), ["none", "no object"]]);
    if (part.boxes) add("object size", "size", SIZES.map(([name]) => [name, name]));
    add("group", "group", named(this.groups));
    add("defect", "defect", this.defects.length ? [["any", "any"], ...named(this.defects)] : []);
    const orders = [["split", "by split"], ["name", "file name"], ["most", "most objects first"]];
    if (part.boxes) orders.push(["smallest", "smallest object first"]);
    this.choice.append(chooser("order", orders, (value) => {
      this.order = value;
      this.choose();
    }, "split"));
    if (part.boxes) this.choice.append(toggle("labels", true, (on) => {
      this.labels = on;
      this.drawViewer();
    }));
  }

  /** Chooses and orders the images that are shown. */
  choose() {
    const { part, filters } = this;
    const current = this.images?.[this.at];
    this.pair = null;
    const numbers = part.images.map((_, number) => number);
    this.images = numbers.filter((number) => this.isWanted(part.images[number], filters));
    this.images.sort((a, b) => DATA_ORDERS[this.order](part, a, b) || a - b);
    this.at = Math.max(0, this.images.indexOf(current));
    this.drawCounts();
    this.drawStrip();
    this.drawViewer();
  }

  isWanted(image, { split, category, group, defect, size }) {
    const [, from, to] = SIZES.find(([name]) => name === size) ?? [];
    const classes = image.truth.map((object) => String(object[0]));
    return (!split || image.split === split)
      && (!category || (category === "none" ? !classes.length : classes.includes(category)))
      && (!group || image.group === this.groups[Number(group)])
      && (!defect || (defect === "any" ? image.defects.length > 0 : image.defects.includes(this.defects[Number(defect)])))
      && (!size || areasOf(image).some((area) => area >= from && area < to));
  }

  go(to) {
    this.pair = null;
    super.go(to);
  }

  captionOf(image) {
    return `${this.part.images[image].truth.length}`;
  }

  drawCounts() {
    const { part, images } = this;
    const objects = images.reduce((sum, image) => sum + part.images[image].truth.length, 0);
    const text = `${images.length} of ${part.total} images, ${objects} objects in them.`;
    const room = part.images.length < part.total ? ` The page has room for ${part.images.length}.` : "";
    this.counts.replaceChildren(element("p", { class: "note" }, text + room));
  }

  drawViewer() {
    const current = this.images[this.at];
    if (current === undefined) {
      this.viewer.replaceChildren(element("p", { class: "note" }, "No image passes these filters."));
      return;
    }
    const shown = this.pair ? this.pair.images : [current];
    const columns = this.viewer.clientWidth < 620 ? 1 : shown.length;
    const panels = shown.map((image) => this.panel(image, this.viewer.clientWidth / columns));
    const stage = element("div", { class: `panels ${shown.length === 1 ? "alone" : ""}`, style: `--columns: ${columns}` }, ...panels);
    for (const svg of stage.querySelectorAll("svg.picture")) this.listen(svg);
    this.viewer.replaceChildren(this.toolbar(this.part.images[shown[0]]), stage);
  }

  panel(number, width) {
    const { part, view, labels } = this;
    const image = part.images[number];
    const names = image.truth.map((object) => part.classes[object[0]]);
    const size = `${image.width} × ${image.height}`;
    const text = [image.split, size, part.boxes ? `${names.length} objects` : names[0], ...image.defects];
    const description = `${image.file}: ${names.join(", ") || "no object"}`;
    const caption = element("figcaption", {}, image.file, element("span", {}, text.join(" · ")));
    const drawn = picture(part, number, this.source(number), view, width, description, part.boxes && drawTruth(part, number, labels));
    return element("figure", { class: "panel" }, caption, drawn);
  }

  buildPairs() {
    const { part } = this;
    if (!part.pairs.length) return;
    const rows = part.pairs.map((pair) => {
      const [one, two] = pair.images.map((number) => part.images[number]);
      const show = element("button", { type: "button", class: "link", "data-pair": pair.images.join("-"), onclick: () => this.showPair(pair) }, `${one.file} and ${two.file}`);
      return element("tr", {}, element("td", {}, show), element("td", {}, `${one.split}, ${two.split}`),
        element("td", { class: "number" }, String(pair.distance)), element("td", { class: "number" }, pair.difference.toFixed(3)));
    });
    const heads = ["pair", "splits", "differing bits", "difference of pixels"].map((text) => element("th", { scope: "col" }, text));
    const caption = element("caption", {}, "Images in two splits that look alike, and may be one picture. Press a pair to see both.");
    this.pairs.append(element("div", { class: "scroll" }, element("table", { class: "plain" }, caption, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows))));
  }

  showPair(pair) {
    this.pair = pair;
    this.drawViewer();
    this.viewer.scrollIntoView({ block: "center" });
  }
}

const browsers = [];
if (document.querySelector(".browser")) {
  browsers.push(...builtBrowsers(DataBrowser, data.browsers));
  listenToKeys(browsers);
}
document.documentElement.dataset.ready = "true";
