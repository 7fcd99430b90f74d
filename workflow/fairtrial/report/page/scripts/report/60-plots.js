// Plots by plotly.js, which is unpacked once one of them comes near the screen.

const DASHES = ["solid", "9px,3px", "2px,2px", "10px,3px,2px,3px", "5px,2px,1px,2px", "14px,4px", "4px,4px", "7px,2px,7px,2px", "solid"];

let loading = null;

/** plotly.js as a script of the page; the policy knows its sum. */
function plotly() {
  loading ??= unpacked("packed-plotly").then((text) => {
    const script = element("script", {});
    script.textContent = text;
    document.head.append(script);
    return window.Plotly;
  });
  return loading;
}

/** Text for plotly, which takes tags for markup. */
function plain(text) {
  return String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

const plots = [];

/** A plot that `make` describes (`{data, layout}`) anew whenever it is drawn. */
class Plot {
  constructor(place, label, make, onclick = null) {
    Object.assign(this, { place, make, onclick, near: false });
    place.classList.add("plot");
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", label);
    new IntersectionObserver((entries, observer) => {
      if (this.near || !entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      this.near = true;
      this.draw();
    }, { rootMargin: "600px" }).observe(place);
    plots.push(this);
  }

  async draw() {
    if (!this.near) return;
    const library = await plotly();
    const { data, layout } = this.make();
    await library.react(this.place, data, styled(layout), { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] });
    this.place.dataset.drawn = "true";
    if (this.onclick && !this.listens) this.place.on("plotly_click", (event) => this.onclick(event.points[0]));
    this.listens = true;
  }
}

themeListeners.push(() => plots.forEach((plot) => plot.draw()));

function axis(title, more = {}) {
  return { title: { text: plain(title), standoff: 8 }, gridcolor: colour("line"), zeroline: false, linecolor: colour("muted"), ticks: "outside", tickcolor: colour("muted"), automargin: true, ...more };
}

function styled(layout) {
  return {
    height: 380, margin: { l: 56, r: 12, t: 12, b: 48 }, showlegend: false, hovermode: "closest",
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", dragmode: "zoom",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12.5, color: colour("ink") },
    hoverlabel: { bgcolor: colour("card"), bordercolor: colour("line"), font: { color: colour("ink") }, namelength: -1 },
    ...layout,
  };
}

/** The mean of series as far as all of them reach; null where one has no value. */
function meanOf(series) {
  const length = Math.min(...series.map((one) => one.length));
  return Array.from({ length }, (_, i) => {
    const values = series.map((one) => one[i]);
    return values.includes(null) ? null : sum(values) / values.length;
  });
}

const NAMES = {
  precision_recall: "precision over recall", precision_confidence: "precision over confidence",
  recall_confidence: "recall over confidence", f1_confidence: "F1 over confidence",
};

/** The curves of one comparison: by epoch at the left, of precision and recall at the right. */
class Curves {
  constructor(place, part, title) {
    this.part = part;
    this.off = new Set();
    this.seeds = part.configurations.length <= 8;
    const runs = part.configurations.flatMap((configuration) => configuration.runs);
    const names = (key) => [...new Set(runs.flatMap((run) => Object.keys(run[key])))];
    const columns = names("history").sort((a, b) => b.startsWith("val/") - a.startsWith("val/") || PLAIN.compare(a, b));
    const curves = names("curves").sort((a, b) => (b in NAMES) - (a in NAMES));
    this.column = columns.find((name) => ["val/AP", "val/accuracy"].includes(name)) ?? columns[0];
    this.curve = curves.find((name) => name === "precision_recall") ?? curves[0];
    const panels = element("div", { class: "columns" });
    place.append(title ? element("h3", {}, title) : "", this.chips(), panels);
    if (columns.length) panels.append(this.panel("by epoch", columns.map((name) => [name, columnText(name)]), "column", (run) => this.series(run, "history")));
    if (curves.length) panels.append(this.panel(`on ${part.split}`, curves.map((name) => [name, NAMES[name] ?? name.replaceAll("_", " ")]), "curve", (run) => this.series(run, "curves")));
  }

  /** A button a configuration, and one for the single runs. */
  chips() {
    const row = element("div", { class: "controls chips", role: "group", "aria-label": "Configurations" });
    for (const { letter, label, colour: number } of this.part.configurations) {
      const chip = toggle("", true, (on) => {
        if (on) this.off.delete(letter);
        else this.off.add(letter);
        this.draw();
      }, { class: "chip", title: label });
      chip.append(element("b", { class: `badge c${number}` }, letter), ` ${label}`);
      row.append(chip);
    }
    const all = (on) => {
      for (const chip of row.querySelectorAll(".chip")) if ((chip.getAttribute("aria-pressed") === "true") !== on) chip.click();
    };
    if (this.part.configurations.some(({ runs }) => runs.length > 1)) row.append(toggle("single runs", this.seeds, (on) => {
      this.seeds = on;
      this.draw();
    }));
    if (this.part.configurations.length > 3) row.append(element("button", { type: "button", class: "quiet", onclick: () => all(true) }, "all"), element("button", { type: "button", class: "quiet", onclick: () => all(false) }, "none"));
    return row;
  }

  panel(title, options, field, series) {
    const place = element("div", {});
    const plot = new Plot(place, `Curves ${title}; the numbers are in history/ and curves.csv`, () => this.describe(field, series), field === "curve" ? (point) => this.press(point) : null);
    this.drawn ??= [];
    this.drawn.push(plot);
    const select = chooser(title, options, (value) => {
      this[field] = value;
      plot.draw();
    }, this[field]);
    return element("div", {}, element("div", { class: "controls" }, select), place);
  }

  draw() {
    for (const plot of this.drawn) plot.draw();
  }

  /** x and y of one run. */
  series(run, kind) {
    if (kind === "curves") return run.curves[this.curve];
    const values = run.history[this.column];
    return values && [values.map((_, epoch) => epoch + 1), values];
  }

  describe(field, series) {
    const data = [];
    for (const configuration of [...this.part.configurations].reverse()) {
      if (this.off.has(configuration.letter)) continue;
      const drawn = configuration.runs.map((run) => ({ run, points: series(run) })).filter(({ points }) => points);
      if (!drawn.length) continue;
      const line = { color: colour(`c${configuration.colour}`), width: 2.4, dash: DASHES[configuration.colour] };
      const name = plain(`${configuration.letter} ${configuration.label}`);
      const several = drawn.length > 1;
      if (several && this.seeds) for (const { run, points: [x, y] } of drawn) {
        data.push({ type: "scatter", mode: "lines", x, y, opacity: 0.45, line: { ...line, width: 1, dash: "solid" }, name: plain(run.name), meta: run.name });
      }
      const [x] = drawn[0].points;
      const equal = drawn.every(({ points }) => points[0].length === x.length || field === "column");
      if (equal) {
        const y = meanOf(drawn.map(({ points }) => points[1]));
        const single = y.filter((value) => value !== null).length < 2;
        data.push({ type: "scatter", mode: single ? "markers" : "lines", x: x.slice(0, y.length), y, line, marker: { color: line.color, size: 8 }, name: several ? `${name}, mean` : name, meta: drawn[0].run.name });
      }
    }
    const [xTitle, yTitle] = field === "column" ? ["epoch", columnText(this.column)] : axesOf(this.curve);
    const whole = field === "column" ? { rangemode: "tozero" } : { range: [-0.02, 1.02] };
    return { data, layout: { xaxis: axis(xTitle, whole), yaxis: axis(yTitle.replaceAll("_", " "), field === "column" ? {} : { range: [-0.02, 1.04] }) } };
  }

  /** A point of a curve over confidence shows the images of its run from there on. */
  press(point) {
    if (!this.curve.endsWith("_confidence")) return;
    for (const browser of browsers) browser.showAt(point.data.meta, point.x);
  }
}

/** The titles of the axes of `y_x`. */
function axesOf(curve) {
  const [first, second] = curve.split("_");
  if (curve === "reliability") return ["confidence", "share that is right"];
  return curve === "precision_recall" ? ["recall", "precision"] : [second ?? "", first];
}

/** `AP on val` of `val/AP`. */
function columnText(column) {
  const [split, name] = column.split("/");
  return (name ? `${name} on ${split}` : column).replaceAll("_", " ");
}

/** One searched parameter as numbers, with the texts of its ticks. */
function dimension(trials, name) {
  const values = trials.map((trial) => trial[name]);
  const numbers = values.filter((value) => typeof value === "number");
  if (numbers.length < values.length) {
    const texts = [...new Set(values.map((value) => value ?? "–"))].sort(PLAIN.compare);
    return { values: values.map((value) => texts.indexOf(value ?? "–")), tickvals: texts.map((_, i) => i), ticktext: texts.map(plain) };
  }
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  if (low <= 0 || high / low < 30) return { values };
  const powers = [];
  for (let power = Math.ceil(Math.log10(low)); power <= Math.floor(Math.log10(high)); power += 1) powers.push(power);
  return { values: values.map(Math.log10), tickvals: powers, ticktext: powers.map((power) => `1e${power}`), log: true };
}

/** A search: parallel coordinates of all its trials, and one parameter against a metric. */
class Study {
  constructor(place, study) {
    this.study = study;
    this.trials = study.trials.filter((trial) => typeof trial.fitness === "number");
    this.x = study.parameters[0];
    this.y = "fitness";
    if (study.objectives.length) [this.y, this.x] = study.objectives;
    if (!this.trials.length || !study.parameters.length) return;
    const lines = element("div", {});
    const points = element("div", {});
    new Plot(lines, `Parallel coordinates of ${this.trials.length} trials`, () => this.parallel());
    const scatter = new Plot(points, "Trials by one setting and one metric", () => this.scatter());
    const pick = (field) => (value) => {
      this[field] = value;
      scatter.draw();
    };
    const pairs = (names) => names.map((name) => [name, name]);
    place.append(
      element("p", { class: "note" }, `Each line is a trial, its colour the fitness. Drag along an axis to keep the trials that pass there, drag a name to move its axis.${study.objectives.length ? ` Below, diamonds are the trials on the Pareto front of ${study.objectives.join(", ")}; the star is the best in ${study.objectives[0]}.` : " Below, the star is the best trial."}`),
      lines,
      element("div", { class: "controls" }, chooser("setting", pairs([...new Set([...study.objectives, ...study.parameters, "trial", "epochs"])]), pick("x"), this.x), chooser("metric", pairs(["fitness", ...study.metrics]), pick("y"), this.y)),
      points,
    );
  }

  parallel() {
    const { trials, study } = this;
    const fitness = trials.map((trial) => trial.fitness);
    const dimensions = [...study.parameters, "fitness"].map((name) => {
      const { values, tickvals, ticktext, log } = dimension(trials, name);
      return { label: plain(name) + (log ? " (log)" : ""), values, tickvals, ticktext };
    });
    const line = { color: fitness, colorscale: [[0, colour("c8")], [0.6, colour("c2")], [1, colour("c4")]], showscale: true, colorbar: { title: { text: "fitness" }, thickness: 12, outlinewidth: 0 } };
    return { data: [{ type: "parcoords", line, dimensions, labelfont: { size: 12.5 }, rangefont: { color: "rgba(0,0,0,0)" }, unselected: { line: { color: colour("line"), opacity: 0.25 } } }], layout: { margin: { l: 70, r: 60, t: 50, b: 20 } } };
  }

  scatter() {
    const { trials, study, x, y } = this;
    const front = new Set(study.front);
    const members = trials.filter(({ trial }) => front.has(trial)).sort((a, b) => a[x] - b[x]);
    const both = study.objectives.length === 2 && study.objectives.includes(x) && study.objectives.includes(y);
    const best = trials.findIndex((trial) => trial.trial === study.best);
    const scale = dimension(trials, x);
    const marker = { size: trials.map((_, i) => (i === best ? 14 : 9)), symbol: trials.map(({ trial }, i) => (i === best ? "star" : front.has(trial) ? "diamond" : "circle")), color: trials.map(({ trial }, i) => colour(i === best || front.has(trial) ? "c4" : "c2")), opacity: 0.85 };
    const text = trials.map((trial) => plain(`trial ${trial.trial}, ${trial.state}: ${study.parameters.map((name) => `${name} ${trial[name]}`).join(", ")}`));
    const line = { type: "scatter", mode: "lines", x: members.map((trial) => trial[x]), y: members.map((trial) => trial[y]), line: { color: colour("c4"), width: 1, dash: "dash" }, hoverinfo: "skip" };
    return { data: [...(both ? [line] : []), { type: "scatter", mode: "markers", x: trials.map((trial) => trial[x]), y: trials.map((trial) => trial[y]), marker, text, hovertemplate: "%{text}<br>%{y:.4f}<extra></extra>", cliponaxis: false }], layout: { xaxis: axis(x, scale.log ? { type: "log", exponentformat: "power", dtick: 1 } : {}), yaxis: axis(y) } };
  }
}

{
  const place = document.getElementById("curves-place");
  if (place) {
    const several = data.comparisons.length > 1;
    for (const part of data.comparisons) new Curves(place, part, several ? part.datasets : "");
  }
  for (const study of document.querySelectorAll(".study-place")) new Study(study, data.studies[Number(study.dataset.study)]);
}
// Those that nobody has come to are drawn in the end, too, so that print has them: once the page has
// been open for a while, for unpacking and reading plotly.js takes longer than all else.
setTimeout(() => (window.requestIdleCallback ?? setTimeout)(() => plots.forEach((plot) => {
  plot.near = true;
  plot.draw();
})), 4000);
document.documentElement.dataset.ready = "true";
