"use strict";
// Flow-control windows over time: of a connection, and of its streams with the least credit.

const windowCharts = { list: [] };

// setUpWindows lists the connections that have windows, those that were stalled first.
function setUpWindows(m, redraw) {
	const stalled = new Map();
	for (const s of m.stalls) stalled.set(s.conn, (stalled.get(s.conn) || 0) + s.length);
	const list = m.conns.map((c, i) => i).filter((i) => (m.conns[i].curves || []).length > 0);
	list.sort((a, b) => (stalled.get(b) || 0) - (stalled.get(a) || 0) || a - b);
	byId("windows").hidden = list.length === 0;
	const conn = byId("window-conn"),
		side = byId("window-side");
	conn.replaceChildren(
		...list.map((i) =>
			make(
				"option",
				{ value: i },
				m.conns[i].id +
					" " +
					m.conns[i].peer +
					(stalled.get(i) ? ", stalled " + formatTime(stalled.get(i)) : ""),
			),
		),
	);
	if (list.length) side.value = sideOfInterest(m, list[0]);
	conn.onchange = () => {
		side.value = sideOfInterest(m, Number(conn.value));
		redraw();
	};
	side.onchange = redraw;
}

// sideOfInterest returns the side that was stalled longer, or else the one with more curves.
function sideOfInterest(m, conn) {
	let recv = 0,
		send = 0;
	for (const s of m.stalls) if (s.conn === conn) s.recv ? (recv += s.length) : (send += s.length);
	if (recv + send === 0) for (const c of m.conns[conn].curves) c.recv ? recv++ : send++;
	return recv >= send ? "recv" : "send";
}

// drawWindows draws the windows of the chosen connection.
function drawWindows(state) {
	for (const chart of windowCharts.list) chart.destroy();
	windowCharts.list = [];
	const box = byId("window-charts");
	box.replaceChildren();
	if (byId("windows").hidden) return;
	const { m } = state,
		conn = Number(byId("window-conn").value),
		recv = byId("window-side").value === "recv";
	const curves = m.conns[conn].curves.filter((c) => Boolean(c.recv) === recv),
		stalls = m.stalls.filter((s) => s.conn === conn && Boolean(s.recv) === recv);
	const groups = [
		["the connection", curves.filter((c) => c.stream === 0), stalls.filter((s) => s.stream === 0)],
		["streams", curves.filter((c) => c.stream !== 0), stalls],
	];
	for (const [title, list, bands] of groups)
		if (list.length) windowCharts.list.push(windowChart(box, state, title, list, bands));
	const thinned = curves.some((c) => c.thinned);
	byId("window-hint").textContent =
		(stalls.length
			? plural(stalls.length, "stall is", "stalls are") +
				" marked: " +
				formatTime(stalls.reduce((n, s) => n + s.length, 0)) +
				" in all. "
			: "No stall. ") +
		"Windows that did not change are left out." +
		(thinned ? " Long curves have the least of each period only." : "");
}

// windowChart draws curves, with stalls behind them.
function windowChart(box, state, title, curves, stalls) {
	const place = make(
		"figure",
		{ class: "chart" },
		make("figcaption", null, "credit of " + title + (curves.length > 1 ? " (" + curves.length + ")" : "")),
	);
	box.append(place);
	const data = uPlot.join(curves.map((c) => [c.at.map((t) => t / 1e3), c.bytes]));
	const axis = {
		stroke: color("muted"),
		grid: { stroke: color("grid-line"), width: 1 },
		ticks: { stroke: color("grid-line"), width: 1 },
		font: "11px " + color("font"),
	};
	const options = {
		width: Math.max(box.clientWidth, 200),
		height: 170,
		legend: { show: false },
		cursor: { sync: { key: "windows" }, y: false, points: { size: 6 } },
		scales: {
			x: { time: false, range: () => [state.view.from / 1e3, state.view.to / 1e3] },
			y: { range: (u, low, high) => [Math.min(0, low), Math.max(high, 1) * 1.05] },
		},
		axes: [
			{ ...axis, values: (u, list) => list.map((t) => tickText(t * 1e3, (list[1] - list[0]) * 1e3 || 1e3)) },
			{ ...axis, size: 70, values: (u, list) => list.map(formatRound) },
		],
		series: [
			{},
			...curves.map((c, i) => ({
				label: "stream " + c.stream,
				stroke: curveColor(c, i),
				width: 1.5,
				paths: uPlot.paths.stepped({ align: 1 }),
				spanGaps: true,
				points: { show: false },
			})),
		],
		hooks: { drawAxes: [(u) => shadeStalls(u, stalls)], setCursor: [(u) => readOut(u, curves)] },
	};
	return new uPlot(options, data, place);
}

const curveColor = (c, i) =>
	c.stream === 0 ? color("accent") : "hsl(" + ((i * 47 + 200) % 360) + " 55% " + color("curve-light") + ")";

// shadeStalls marks stalls: faint over all of the height, and strong along the top.
function shadeStalls(u, stalls) {
	const { ctx, bbox } = u,
		rug = 6 * (window.devicePixelRatio || 1);
	ctx.save();
	for (const s of stalls) {
		const from = Math.max(u.valToPos(s.begin / 1e3, "x", true), bbox.left),
			to = Math.min(u.valToPos((s.begin + s.length) / 1e3, "x", true), bbox.left + bbox.width);
		if (to < bbox.left || from > bbox.left + bbox.width) continue;
		ctx.fillStyle = color("stall-band");
		ctx.fillRect(from, bbox.top, Math.max(1, to - from), bbox.height);
		ctx.fillStyle = color("p-stall");
		ctx.fillRect(from, bbox.top - rug, Math.max(1, to - from), rug);
	}
	ctx.restore();
}

// readOut says what the windows were at the cursor: the least of all.
function readOut(u, curves) {
	const at = u.cursor.idx,
		out = byId("window-readout");
	if (at === null || at === undefined) return;
	let least = null;
	curves.forEach((c, i) => {
		let k = at;
		const list = u.data[i + 1];
		while (k >= 0 && (list[k] === null || list[k] === undefined)) k--;
		if (k >= 0 && (least === null || list[k] < least.bytes)) least = { stream: c.stream, bytes: list[k] };
	});
	if (least)
		out.textContent =
			formatTime(u.data[0][at] * 1e3) +
			": " +
			(least.stream === 0 ? "connection " : "stream " + least.stream + " has least, ") +
			formatBytes(least.bytes);
}
