"use strict";
const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7"];
const part = (id) => document.getElementById(id);
let model = null;
let last = null; // the file that was sent last

function headers() {
  const token = part("token").value;
  return token ? { Authorization: `Bearer ${token}` } : {};
}

function say(text, problem = false) {
  part("said").textContent = text;
  part("said").className = problem ? "problem" : "";
}

async function asked(address, options = {}) {
  const answer = await fetch(address, { ...options, headers: headers() });
  if (answer.status === 401) part("needs-token").hidden = false;
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Error(typeof said.detail === "string" ? said.detail : `${answer.status}`);
  }
  return answer;
}

async function readModel() {
  model = await (await asked("model")).json();
  const what = model.task === "detect" ? "finds" : "tells";
  part("about").textContent = `This model ${what}: ${model.classes.join(", ")}.`;
  part("confidence").value = model.confidence;
  part("confidence").closest("p").hidden = model.task !== "detect";
  showConfidence();
}

function showConfidence() {
  part("shown-confidence").textContent = Number(part("confidence").value).toFixed(2);
}

async function send(file) {
  last = file;
  say("…");
  part("seen").replaceChildren();
  part("objects").hidden = true;
  try {
    if (!model) await readModel();
    const body = new FormData();
    body.append("file", file);
    const query = `confidence=${part("confidence").value}`;
    if (file.type.startsWith("video/")) {
      const answer = await asked(`detect?${query}&output=drawn`, { method: "POST", body });
      showVideo(await answer.blob());
    } else {
      const answer = await asked(`detect?${query}`, { method: "POST", body });
      await showImage(file, (await answer.json()).images[0]);
    }
  } catch (error) {
    say(error.message, true);
  }
}

function showVideo(blob) {
  const video = document.createElement("video");
  video.controls = true;
  video.src = URL.createObjectURL(blob);
  part("seen").replaceChildren(video);
  say("");
}

async function showImage(file, seen) {
  const canvas = document.createElement("canvas");
  canvas.width = seen.width;
  canvas.height = seen.height;
  const pen = canvas.getContext("2d");
  try { // what no browser shows, as TIFF, gets its boxes on grey
    pen.drawImage(await createImageBitmap(file), 0, 0, seen.width, seen.height);
  } catch {
    pen.fillStyle = "#888";
    pen.fillRect(0, 0, seen.width, seen.height);
  }
  const scale = Math.max(1, Math.min(seen.width, seen.height) / 300);
  for (const each of [...seen.objects].reverse()) drawBox(pen, each, scale);
  part("seen").replaceChildren(canvas);
  const rows = seen.objects.map((each) => [each.name, each.confidence.toFixed(2), ...each.box.map((v) => v.toFixed(0))]);
  const classes = Object.entries(seen.probabilities).sort((a, b) => b[1] - a[1]).slice(0, 5);
  rows.push(...classes.map(([name, probability]) => [name, probability.toFixed(3)]));
  showRows(rows);
  say(model.task === "detect" ? `${rows.length} found` : classes[0][0]);
}

function drawBox(pen, { name, confidence, box }, scale) {
  const [x, y, width, height] = box;
  const colour = COLOURS[model.classes.indexOf(name) % COLOURS.length];
  pen.strokeStyle = pen.fillStyle = colour;
  pen.lineWidth = scale;
  pen.strokeRect(x, y, width, height);
  const size = Math.max(12, 10 * scale);
  pen.font = `${size}px sans-serif`;
  const text = `${name} ${confidence.toFixed(2)}`;
  const wide = pen.measureText(text).width + 4;
  const left = Math.max(0, Math.min(x, pen.canvas.width - wide));
  const top = y >= size * 1.3 ? y - size * 1.3 : y;
  pen.fillRect(left, top, wide, size * 1.3);
  pen.fillStyle = "#fff";
  pen.fillText(text, left + 2, top + size);
}

function showRows(rows) {
  const body = part("objects").tBodies[0];
  body.replaceChildren(...rows.map((cells) => {
    const row = document.createElement("tr");
    for (const cell of cells) row.insertCell().textContent = cell;
    return row;
  }));
  part("objects").hidden = rows.length === 0;
}

const drop = part("drop");
drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  if (event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
});
part("file").addEventListener("change", (event) => event.target.files.length && send(event.target.files[0]));
part("confidence").addEventListener("input", showConfidence);
part("confidence").addEventListener("change", () => last && send(last));
part("token").addEventListener("change", () => readModel().then(() => say(""), (error) => say(error.message, true)));
readModel().catch((error) => say(error.message, true)).finally(() => { document.documentElement.dataset.ready = ""; });
