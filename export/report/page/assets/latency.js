"use strict";
// How long each proxy took: the spread of waits and of whole requests, on one logarithmic scale.

function showLatency() {
	const peers = report.peers.filter((p) => p.wait || p.total);
	byId("latency").hidden = peers.length === 0;
	byId("latency-rows").replaceChildren(
		...peers.map(latencyRow),
		make(
			"div",
			{ class: "latency-axis" },
			make("canvas", { "aria-hidden": "true" }),
			make("span", null, "p50 · p95 · p99"),
		),
	);
	drawLatency();
}

function latencyRow(p) {
	const cells = (q) => (q ? [q.p50, q.p95, q.p99].map((v) => formatTime(v * 1e3)).join(" · ") : "–");
	return make(
		"div",
		{ class: "latency-row" },
		make(
			"div",
			{ class: "latency-name" },
			make("strong", null, p.name),
			make(
				"span",
				null,
				plural(p.requests, "request", "requests") + (p.failures ? ", " + p.failures + " failed" : ""),
			),
		),
		make("canvas", {
			role: "img",
			"aria-label": p.name + ": wait at p50, p95, p99 " + cells(p.wait) + "; total " + cells(p.total),
		}),
		make(
			"dl",
			null,
			make("dt", null, "wait"),
			make("dd", null, cells(p.wait)),
			make("dt", null, "total"),
			make("dd", null, cells(p.total)),
		),
	);
}

// latencyRange returns the places of the bounds that all times are between.
function latencyRange(peers) {
	let from = report.bounds.length - 1,
		to = 0;
	for (const p of peers)
		for (const q of [p.wait, p.total])
			if (q) q.counts.forEach((n, i) => n && ((from = Math.min(from, i)), (to = Math.max(to, i + 1))));
	return [Math.max(0, from - 1), Math.min(report.bounds.length - 1, to + 1)];
}

function drawLatency() {
	const peers = report.peers.filter((p) => p.wait || p.total);
	if (peers.length === 0) return;
	const [from, to] = latencyRange(peers),
		box = byId("latency-rows");
	peers.forEach((p, k) => {
		const canvas = box.children[k].querySelector("canvas"),
			width = canvas.clientWidth;
		const ctx = fit(canvas, width, 44);
		canvas.style.width = "";
		[
			[p.wait, "p-wait", 0],
			[p.total, "accent", 23],
		].forEach(([q, c, y]) => q && drawSpread(ctx, q, color(c), y, 19, width, from, to));
	});
	drawLatencyAxis(box.lastChild.firstChild, from, to);
}

// drawSpread draws how many times are between two bounds, and where the quantiles are.
function drawSpread(ctx, q, fill, y, height, width, from, to) {
	const step = width / (to - from),
		most = Math.max(...q.counts);
	ctx.fillStyle = fill;
	q.counts.forEach((n, i) => {
		if (n === 0) return;
		const h = Math.max(2, Math.sqrt(n / most) * height);
		ctx.globalAlpha = 0.55;
		ctx.fillRect((i - from) * step, y + height - h, Math.max(1, step - 1), h);
	});
	ctx.globalAlpha = 1;
	ctx.fillStyle = color("ink");
	for (const v of [q.p50, q.p95, q.p99])
		ctx.fillRect(Math.round(latencyPlace(v, from) * step) - 1, y + 2, 2, height - 2);
}

// latencyPlace returns where a time is among the bounds.
function latencyPlace(ms, from) {
	const b = report.bounds;
	let i = 1;
	while (i < b.length - 1 && b[i] <= ms) i++;
	const low = Math.max(b[i - 1], b[1] / 2),
		share = Math.log(Math.max(ms, low) / low) / Math.log(b[i] / low);
	return i - 1 + Math.min(Math.max(share, 0), 1) - from;
}

function drawLatencyAxis(canvas, from, to) {
	const width = canvas.clientWidth,
		ctx = fit(canvas, width, 18),
		step = width / (to - from);
	canvas.style.width = "";
	ctx.font = "11px " + color("font");
	ctx.textBaseline = "top";
	ctx.textAlign = "center";
	ctx.fillStyle = color("muted");
	let free = 0;
	for (const ms of latencyTicks(to - from)) {
		const at = latencyPlace(ms, from) * step,
			text = formatTime(ms * 1e3).replace(/\.0+ /, " ");
		if (at < 0 || at > width || report.bounds[from] > ms || at < free) continue;
		ctx.fillRect(Math.round(at), 0, 1, 4);
		ctx.fillText(text, Math.min(Math.max(at, 20), width - 20), 6);
		free = at + 52;
	}
}

// latencyTicks returns round times, more of them if there are few powers of ten.
function latencyTicks(places) {
	const list = [];
	for (let p = -1; p < 7; p++) for (const f of places > 24 ? [1] : [1, 2, 5]) list.push(f * Math.pow(10, p));
	return list;
}
