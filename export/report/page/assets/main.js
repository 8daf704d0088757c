"use strict";
// What is shown, and what changes it.

const state = {
	m: null,
	view: null,
	order: "tree",
	match: null,
	closed: new Set(),
	opened: new Set(),
	selected: -1,
	detailed: false,
};
const models = new Map();

// chooseRun shows a run.
function chooseRun(i) {
	if (!models.has(i)) models.set(i, runModel(report.runs[i]));
	const m = (state.m = models.get(i));
	state.view = wholeView(m);
	state.closed = new Set();
	state.opened = new Set();
	state.selected = -1;
	showSpent(m);
	setUpWindows(m, () => drawWindows(state));
	byId("no-clock").hidden = m.clock;
	byId("no-clock").textContent = m.clock
		? ""
		: "A log of go -x does not say when a request began, only how long it took until the response began. So nothing is drawn over time.";
	byId("waterfall").classList.toggle("no-clock", !m.clock);
	byId("waterfall-title").textContent = m.clock ? "Waterfall" : "Requests";
	renew();
	drawNow();
	byId("peak").textContent = m.peak ? " (" + m.peak + " at most)" : "";
	drawWindows(state);
}

// list lists the rows again. Paper has the first ones.
function list() {
	const rows = listRows(state.m, state);
	waterfall.rows = waterfall.printing ? rows.slice(0, paperRows) : rows;
	byId("paper-note").textContent =
		rows.length > waterfall.rows.length ? "The first " + paperRows + " of " + rows.length + " rows." : "";
	waterfall.at = new Map(waterfall.rows.map((row, i) => [rowKey(row), i]));
}

// renew lists the rows again, and keeps what is selected if it is still there.
function renew() {
	const before = waterfall.rows[state.selected];
	list();
	state.selected = before ? (waterfall.at.get(rowKey(before)) ?? -1) : -1;
	const all = plural(state.m.count, "exchange", "exchanges");
	const shown = waterfall.rows.reduce((n, row) => n + (row.kind === rowExchange ? 1 : 0), 0);
	byId("count").textContent = shown < state.m.count ? shown.toLocaleString("en") + " of " + all : all;
	layoutWaterfall();
	draw();
}

// draw draws once for each frame of the screen.
let asked = false;
function draw() {
	if (asked) return;
	asked = true;
	requestAnimationFrame(drawNow);
}

function drawNow() {
	asked = false;
	drawOverview(state.m, state.view);
	drawWaterfall(state);
	showDetails(state, closeDetails);
}

// redrawAll draws everything, as after a change of size or of colours.
function redrawAll() {
	list();
	layoutWaterfall();
	drawNow();
	drawWindows(state);
	drawLatency();
}

let windowsWait = 0;
function setView(view) {
	state.view = clampView(state.m, view.from, view.to);
	draw();
	clearTimeout(windowsWait);
	windowsWait = setTimeout(
		() =>
			windowCharts.list.forEach((c) =>
				c.setScale("x", { min: state.view.from / 1e3, max: state.view.to / 1e3 }),
			),
		30,
	);
}

const showAll = () => setView(wholeView(state.m));

const middle = () => (state.view.from + state.view.to) / 2;

function select(i, detailed) {
	if (waterfall.rows.length === 0) return;
	state.selected = Math.min(Math.max(i, 0), waterfall.rows.length - 1);
	if (detailed) state.detailed = true;
	showRow(state.selected);
	draw();
}

function closeDetails() {
	state.detailed = false;
	draw();
	byId("scroll").focus({ preventScroll: true });
}

// fold opens or closes a row, and reports whether it could.
function fold(i, open) {
	const row = waterfall.rows[i];
	if (!row || !row.children || row.open === open) return false;
	const set = row.kind === rowGroup ? state.opened : state.closed;
	if (open === (row.kind === rowGroup)) set.add(rowKey(row));
	else set.delete(rowKey(row));
	renew();
	return true;
}

function setFilter() {
	const f = parseFilter(byId("search").value);
	for (const b of byId("chips").children) f[b.dataset.name] = b.getAttribute("aria-pressed") === "true";
	state.match = isFiltering(f) ? f : null;
	byId("scroll").scrollTop = 0;
	renew();
}

function setUpTools() {
	for (const [key, text] of [
		["critical", "Critical path"],
		["failed", "Failed"],
		["stalled", "Stalled"],
	]) {
		const b = pressed(text, false, (e) => {
			e.setAttribute("aria-pressed", String(e.getAttribute("aria-pressed") !== "true"));
			setFilter();
		});
		b.dataset.name = key;
		byId("chips").append(b);
	}
	byId("search").addEventListener("input", setFilter);
	byId("order").addEventListener("change", (e) => {
		state.order = e.target.value;
		byId("scroll").scrollTop = 0;
		renew();
	});
	byId("zoom-in").addEventListener("click", () => setView(zoomView(state.m, state.view, 0.5, middle())));
	byId("zoom-out").addEventListener("click", () => setView(zoomView(state.m, state.view, 2, middle())));
	byId("zoom-all").addEventListener("click", showAll);
	const run = byId("run");
	run.replaceChildren(...report.runs.map((r, i) => make("option", { value: i }, r.name)));
	run.addEventListener("change", () => chooseRun(Number(run.value)));
	byId("run-choice").hidden = report.runs.length < 2;
}

function setUpWaterfall() {
	const scroll = byId("scroll"),
		bars = byId("bars");
	scroll.addEventListener("scroll", draw, { passive: true });
	scroll.addEventListener("click", (e) => {
		const i = Math.floor(
			(e.clientY - scroll.getBoundingClientRect().top + scroll.scrollTop) / waterfall.rowHeight,
		);
		if (i >= waterfall.rows.length) return;
		if (e.target.classList.contains("fold") && fold(i, !waterfall.rows[i].open)) return;
		select(i, true);
	});
	dragTime(
		byId("overview"),
		() => wholeView(state.m),
		() => byId("overview").clientWidth,
		(from, to) => setView({ from, to }),
	);
	dragTime(
		byId("axis-box"),
		() => state.view,
		() => waterfall.width,
		(from, to) => setView({ from, to }),
	);
	byId("overview").addEventListener("dblclick", showAll);
	byId("axis-box").addEventListener("dblclick", showAll);
	scroll.addEventListener(
		"wheel",
		(e) => {
			const at = timeAt(state.view, waterfall.width, e.clientX - bars.getBoundingClientRect().left);
			if (e.ctrlKey || e.metaKey) setView(zoomView(state.m, state.view, Math.exp(e.deltaY * 0.004), at));
			else if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) {
				const by = ((e.deltaX || e.deltaY) / waterfall.width) * (state.view.to - state.view.from);
				setView({ from: state.view.from + by, to: state.view.to + by });
			} else return;
			e.preventDefault();
		},
		{ passive: false },
	);
	new ResizeObserver(() => {
		layoutWaterfall();
		draw();
	}).observe(byId("grid"));
	window.addEventListener("resize", redrawAll);
}

showVerdict();
showPhaseLegend();
showTables();
showFooter();
if (report.runs.length) {
	setUpTools();
	setUpWaterfall();
	setUpKeys();
	setUpTheme(redrawAll);
	setUpPrint(redrawAll);
	chooseRun(0);
	showLatency();
	drawNow();
} else {
	for (const id of ["waterfall", "spent", "keys-button"]) byId(id).hidden = true;
	setUpTheme(drawLatency);
	showLatency();
}
