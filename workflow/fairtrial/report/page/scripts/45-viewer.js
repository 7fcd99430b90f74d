// One image large, all others small: what the browsers of both pages have in common.

/** A browser shows `images` (numbers) at `at`; it says how one is drawn, and what stands on a small one. */
class ImageViewer {
  constructor(place, part, jpegs) {
    Object.assign(this, { place, part, jpegs, labels: true, view: { x: 0, y: 0, size: 1 } });
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
    for (const image of this.images) this.thumbnails[image].lastChild.textContent = this.captionOf(image);
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

/** The browsers of a page, in their places. `parts`: the data of each. */
function builtBrowsers(kind, parts) {
  const jpegs = [...document.querySelectorAll("script.jpegs")].map((block) => block.textContent.trim().split("\n"));
  return [...document.querySelectorAll(".browser")].map((place) => {
    const number = Number(place.dataset.browser);
    return new kind(place, parts[number], jpegs[number]);
  });
}

/** Keys move and zoom the browser that is on the screen. */
function listenToKeys(browsers) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
    const visible = browsers.find(({ viewer }) => {
      const { top, bottom } = viewer.getBoundingClientRect();
      return top < innerHeight - 100 && bottom > 100;
    });
    if (visible?.press(event.key)) event.preventDefault();
  });
}
