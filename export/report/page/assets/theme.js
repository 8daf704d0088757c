"use strict";
// Light, dark, or as the system; and paper, which is light.

const themes = ["auto", "light", "dark"];
const theme = { now: "auto" };

function setTheme(to, redraw) {
	theme.now = to;
	if (to === "auto") delete document.documentElement.dataset.theme;
	else document.documentElement.dataset.theme = to;
	byId("theme").textContent = "Theme: " + to;
	colors.clear();
	redraw();
}

const nextTheme = (redraw) => setTheme(themes[(themes.indexOf(theme.now) + 1) % themes.length], redraw);

function setUpTheme(redraw) {
	byId("theme").addEventListener("click", () => nextTheme(redraw));
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTheme(theme.now, redraw));
}

// paperRows is how many rows a printed page has.
const paperRows = 80;

// setUpPrint shows all that fits on paper, in the colours of paper.
function setUpPrint(redraw) {
	let before = null;
	window.addEventListener("beforeprint", () => {
		before = { theme: theme.now, open: [...document.querySelectorAll("details")].map((d) => d.open) };
		waterfall.printing = true;
		document.querySelectorAll("details").forEach((d) => (d.open = true));
		setTheme("light", redraw);
	});
	window.addEventListener("afterprint", () => {
		if (!before) return;
		waterfall.printing = false;
		document.querySelectorAll("details").forEach((d, i) => (d.open = before.open[i]));
		setTheme(before.theme, redraw);
		before = null;
	});
}
