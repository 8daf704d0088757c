"use strict";
// Elements are made here alone, and text gets in as text: nothing of what was recorded is ever
// parsed as HTML.

const byId = (id) => document.getElementById(id);

// make returns an element with attributes, and children: elements or text.
function make(tag, attributes, ...children) {
	const e = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes || {})) {
		if (value === undefined || value === null || value === false) continue;
		if (name === "class") e.className = value;
		else e.setAttribute(name, value === true ? "" : String(value));
	}
	e.append(...children.filter((c) => c !== null && c !== undefined));
	return e;
}

// pressed makes a button that is on or off.
function pressed(text, on, toggle) {
	const b = make("button", { type: "button", "aria-pressed": String(on) }, text);
	b.addEventListener("click", () => toggle(b));
	return b;
}

// color returns a colour of the style sheet.
const colors = new Map();
function color(name) {
	if (!colors.has(name))
		colors.set(
			name,
			getComputedStyle(document.documentElement)
				.getPropertyValue("--" + name)
				.trim(),
		);
	return colors.get(name);
}

// fit gives a canvas as many pixels as the screen shows of it, and returns its context.
function fit(canvas, width, height) {
	const ratio = window.devicePixelRatio || 1;
	const w = Math.max(1, Math.round(width * ratio)),
		h = Math.max(1, Math.round(height * ratio));
	if (canvas.width !== w || canvas.height !== h) {
		canvas.width = w;
		canvas.height = h;
		canvas.style.width = width + "px";
		canvas.style.height = height + "px";
	}
	const ctx = canvas.getContext("2d");
	ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
	ctx.clearRect(0, 0, width, height);
	return ctx;
}
