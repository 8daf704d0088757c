"use strict";
// Everything works without a mouse.

const keyHelp = [
	["/", "go to the filter"],
	["↑ ↓, j k", "previous, next row"],
	["PageUp PageDown, Home End", "further"],
	["← →", "close, open a process or connection"],
	["Enter", "details"],
	["c", "next on the critical path"],
	["+ −, 0", "zoom in and out, all of the time"],
	["Shift ← →", "earlier, later"],
	["z", "zoom to the selected row"],
	["t", "theme"],
	["Esc", "close, clear the filter"],
	["?", "these keys"],
];

function setUpKeys() {
	const box = byId("keys");
	const close = make("button", { type: "button" }, "Close");
	close.addEventListener("click", () => box.close());
	box.replaceChildren(
		make("h2", { id: "keys-title" }, "Keys"),
		make(
			"dl",
			null,
			...keyHelp.flatMap(([k, what]) => [make("dt", null, make("kbd", null, k)), make("dd", null, what)]),
		),
		make(
			"p",
			null,
			"Ctrl and the wheel zoom, Shift and the wheel move through time. A filter takes words of the URL, -word, kind:zip, status:4xx, host:name, method:, conn:c1, pid:, stream:, error:reset, >100ms.",
		),
		close,
	);
	byId("keys-button").addEventListener("click", () => box.showModal());
	document.addEventListener("keydown", (e) => {
		if (e.ctrlKey || e.metaKey || e.altKey) return;
		const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName);
		if (typing) {
			if (e.key === "Escape" || (e.key === "Enter" && e.target.id === "search")) leaveField(e);
			return;
		}
		if (e.target.tagName === "BUTTON" && (e.key === "Enter" || e.key === " ")) return;
		if (!box.open && onKey(e)) e.preventDefault();
	});
}

function leaveField(e) {
	if (e.key === "Escape" && e.target.id === "search" && e.target.value !== "") {
		e.target.value = "";
		setFilter();
	} else byId("scroll").focus({ preventScroll: true });
	e.preventDefault();
}

// onKey does what a key is for, and reports whether there is anything.
function onKey(e) {
	const page = Math.max(1, Math.floor(waterfall.height / waterfall.rowHeight) - 1),
		at = state.selected;
	if (e.shiftKey && (e.key === "ArrowLeft" || e.key === "ArrowRight")) {
		const by = ((e.key === "ArrowLeft" ? -1 : 1) * (state.view.to - state.view.from)) / 5;
		setView({ from: state.view.from + by, to: state.view.to + by });
		return true;
	}
	const actions = {
		"/": () => byId("search").focus(),
		ArrowDown: () => select(at + 1),
		j: () => select(at + 1),
		ArrowUp: () => select(at - 1),
		k: () => select(at - 1),
		PageDown: () => select(at + page),
		PageUp: () => select(at - page),
		Home: () => select(0),
		End: () => select(waterfall.rows.length - 1),
		ArrowLeft: () => fold(at, false) || selectParent(at),
		ArrowRight: () => fold(at, true) || select(at + 1),
		Enter: () => select(Math.max(at, 0), true),
		c: nextCritical,
		"+": () => setView(zoomView(state.m, state.view, 0.5, focusTime())),
		"=": () => setView(zoomView(state.m, state.view, 0.5, focusTime())),
		"-": () => setView(zoomView(state.m, state.view, 2, focusTime())),
		0: showAll,
		z: zoomToRow,
		t: () => nextTheme(redrawAll),
		"?": () => byId("keys").showModal(),
		Escape: () => (state.detailed ? closeDetails() : clearFilter()),
	};
	const act = actions[e.key];
	if (act) act();
	return Boolean(act);
}

// focusTime is what zooming is around: the selected row, if it is in view.
function focusTime() {
	const row = waterfall.rows[state.selected];
	if (!row || row.kind === rowGroup) return middle();
	const [from, to] = rowSpan(state.m, row),
		at = (from + to) / 2;
	return at >= state.view.from && at <= state.view.to ? at : middle();
}

function zoomToRow() {
	const row = waterfall.rows[state.selected];
	if (!row || row.kind === rowGroup) return;
	const [from, to] = rowSpan(state.m, row),
		margin = Math.max((to - from) * 0.1, 5);
	setView({ from: from - margin, to: to + margin });
}

function selectParent(at) {
	const level = waterfall.rows[at] ? waterfall.rows[at].level : 1;
	for (let i = at - 1; i >= 0; i--) if (waterfall.rows[i].level < level) return select(i);
}

function nextCritical() {
	const { m } = state,
		rows = waterfall.rows,
		on = (row) =>
			(row.kind === rowExchange && m.critical[row.at] === 1) ||
			(row.kind === rowConn && m.piecesOf.has(ofConn + ":" + row.at));
	for (let k = 1; k <= rows.length; k++) {
		const i = (state.selected + k) % rows.length;
		if (on(rows[i])) return select(i);
	}
}

function clearFilter() {
	byId("search").value = "";
	for (const b of byId("chips").children) b.setAttribute("aria-pressed", "false");
	setFilter();
}
