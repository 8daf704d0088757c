"use strict";
// The verdict, where the time went, and the tables of the report.

const shownEvidence = 6;

function showVerdict() {
	const at = report.headline.indexOf(": "),
		cause = at < 0 ? report.headline : report.headline.slice(0, at);
	const list = (lines) => make("ul", { class: "evidence" }, ...lines.map((e) => make("li", null, e))),
		rest = report.evidence.slice(shownEvidence);
	const more = rest.length
		? make(
				"details",
				{ class: "rest" },
				make("summary", null, plural(rest.length, "more line", "more lines")),
				list(rest),
			)
		: null;
	byId("verdict").replaceChildren(
		...(report.runs.length > 1 ? [make("p", { class: "more" }, "of " + report.clocked)] : []),
		make(
			"h1",
			null,
			make("span", { class: "cause" + (cause === "healthy" ? " healthy" : "") }, cause),
			make("span", { class: "colon" }, ": "),
			make("span", null, report.headline.slice(at < 0 ? 0 : at + 2)),
		),
		list(report.evidence.slice(0, shownEvidence)),
		...(more ? [more] : []),
		make(
			"p",
			{ class: "more" },
			...(report.unseen ? [report.unseen + " · "] : []),
			make("code", null, report.more),
			" says more",
		),
	);
	document.title = report.headline + " – h2trace report";
}

// showSpent shows the parts of the wall time: of the run, or of all runs.
function showSpent(m) {
	const all = report.runs.length > 1 ? m.spent : report.spent,
		wall = all.reduce((n, v) => n + Math.max(v, 0), 0);
	byId("spent").hidden = wall <= 0;
	const list = all.map((v, i) => ({ v, i })).filter((p) => p.v > 0);
	byId("spent-title").textContent =
		(report.runs.length > 1 ? "Where the time of this run went: " : "Where the time went: ") +
		formatTime(wall);
	byId("spent-bar").setAttribute(
		"aria-label",
		list.map((p) => report.parts[p.i] + " " + formatShare(p.v, wall)).join(", "),
	);
	byId("spent-bar").replaceChildren(
		...list.map((p) => {
			const e = make("i", {
				class: "p-" + partKeys[p.i],
				title: report.parts[p.i] + " " + formatTime(p.v) + ", " + formatShare(p.v, wall),
			});
			e.style.flexGrow = p.v / wall;
			return e;
		}),
	);
	byId("spent-legend").replaceChildren(
		...list.map((p) =>
			make(
				"li",
				null,
				make("i", { class: "p-" + partKeys[p.i] }),
				report.parts[p.i] + " ",
				make("b", null, formatTime(p.v)),
				" " + formatShare(p.v, wall),
			),
		),
	);
}

function showPhaseLegend() {
	const seen = new Set(),
		list = [];
	for (const i of [1, 2, 3, 4, 6, 7, 5, 0, 9]) {
		if (seen.has(partKeys[i])) continue;
		seen.add(partKeys[i]);
		list.push(
			make(
				"li",
				null,
				make("i", { class: "p-" + partKeys[i] }),
				partKeys[i] === "stall" ? "stall" : report.parts[i],
			),
		);
	}
	byId("phase-legend").replaceChildren(
		make("li", null, make("i", { class: "line" }), "critical path"),
		...list,
	);
}

function showTables() {
	byId("tables").replaceChildren(
		...report.tables.map((t) =>
			make("details", null, make("summary", null, t.title), make("div", { class: "table" }, tableOf(t))),
		),
	);
}

function tableOf(t) {
	const width = t.rows[0].length,
		row = (cells, tag) =>
			make(
				"tr",
				null,
				...Array.from({ length: width }, (_, i) =>
					make(tag, { class: isNumber(cells[i]) ? "n" : null }, cells[i] || ""),
				),
			);
	return make(
		"table",
		null,
		make("thead", null, row(t.rows[0], "th")),
		make("tbody", null, ...t.rows.slice(1).map((r) => row(r, "td"))),
	);
}

const isNumber = (s) => /^[-–]?[\d.,]*( %)?$/.test(s || "x");

function showFooter() {
	byId("footer").replaceChildren(
		...(report.left_out.length
			? [
					make("h2", null, "Not on this page"),
					make("ul", null, ...report.left_out.map((s) => make("li", null, s))),
				]
			: []),
		make(
			"p",
			null,
			"Made by h2trace. This page asks for nothing else. Curves by uPlot, © Leon Sorokin, MIT licence.",
		),
	);
}
