// What all parts of the page use: packed data, elements, the theme, the section in view.

const PLAIN = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** The bytes of a text in base64. A loop: a function called for each byte takes a second. */
function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const decoded = atob(text);
  const bytes = new Uint8Array(decoded.length);
  for (let place = 0; place < bytes.length; place += 1) bytes[place] = decoded.charCodeAt(place);
  return bytes;
}

/** The text of a packed block of the page, by its id. */
async function unpacked(id) {
  const stream = new Blob([bytesOf(document.getElementById(id).textContent)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

/** An element with attributes, listeners (`onclick`) and children; text never becomes HTML. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** A labelled select. `options`: pairs of a value and a text. */
function chooser(label, options, onchange, chosen) {
  const select = element("select", { onchange: () => onchange(select.value) });
  for (const [value, text] of options) select.append(new Option(text, value, false, value === chosen));
  return element("label", {}, label, select);
}

/** A button that stays pressed. */
function toggle(text, pressed, onchange, attributes = {}) {
  const button = element("button", { type: "button", "aria-pressed": String(pressed), ...attributes }, text);
  button.addEventListener("click", () => {
    const now = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(now));
    onchange(now);
  });
  return button;
}

/** The value of a colour of the style sheet, for what draws by itself. */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

const themeListeners = [];

function useTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  document.getElementById("theme").textContent = dark ? "Light" : "Dark";
  for (const listener of themeListeners) listener();
}

{
  const preferred = matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");
  button.hidden = false;
  button.setAttribute("aria-label", "Switch between light and dark");
  button.addEventListener("click", () => useTheme(document.documentElement.dataset.theme !== "dark"));
  preferred.addEventListener("change", () => useTheme(preferred.matches));
  useTheme(preferred.matches);
  let before = false;
  addEventListener("beforeprint", () => {
    before = document.documentElement.dataset.theme === "dark";
    if (before) useTheme(false);
  });
  addEventListener("afterprint", () => before && useTheme(true));
}

{
  const links = new Map([...document.querySelectorAll(".bar nav a")].map((a) => [a.hash.slice(1), a]));
  const seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries.filter((e) => e.isIntersecting && links.has(e.target.id))) {
        for (const link of links.values()) link.removeAttribute("aria-current");
        links.get(entry.target.id).setAttribute("aria-current", "true");
      }
    },
    { rootMargin: "-20% 0px -70% 0px" },
  );
  for (const section of document.querySelectorAll("main > section")) seen.observe(section);
}

const data = JSON.parse(await unpacked("packed-data"));
