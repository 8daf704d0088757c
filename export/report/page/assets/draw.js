"use strict";
// How things look on a canvas.

const partColor = (part) => color("p-" + partKeys[part]);

// bar fills a period in a row, one pixel wide at least.
function bar(ctx, x0, x1, y, height, fill, width) {
	const from = Math.max(x0, -2),
		to = Math.min(Math.max(x1, x0 + 1), width + 2);
	if (to <= 0 || from >= width) return;
	ctx.fillStyle = fill;
	ctx.fillRect(from, y, to - from, height);
}

// drawExchange draws the phases of an exchange.
function drawExchange(ctx, m, i, x, y, height, width) {
	const e = m.exchanges;
	let at = e.begin[i];
	const end = at + Math.max(e.total[i], 0);
	if (x(end) < -2 || x(at) > width + 2) return;
	ctx.globalAlpha = m.pieces === 0 || m.critical[i] ? 1 : 0.5;
	bar(ctx, x(at), x(end), y + height * 0.3, height * 0.4, color("p-rest"), width);
	for (let k = 0; k < 6; k++) {
		const length = e.phases[6 * i + k];
		if (!(length > 0)) continue;
		const thin = k === 4 || k === 3; // nothing comes yet
		bar(
			ctx,
			x(at),
			x(at + length),
			thin ? y + height * 0.2 : y,
			thin ? height * 0.6 : height,
			partColor(phaseParts[k]),
			width,
		);
		at += length;
	}
	ctx.globalAlpha = 1;
	for (const s of m.stallsOf.get(e.conn[i] + ":" + e.stream[i]) || []) {
		if (e.stream[i] !== 0 && s.begin < end && s.begin + s.length > e.begin[i])
			drawStall(ctx, s, x, y, height, width);
	}
	if (failure(m, i)) mark(ctx, Math.min(x(end), width - 4), y, height);
}

// drawStall draws a stall over what it stalled.
function drawStall(ctx, s, x, y, height, width) {
	bar(ctx, x(s.begin), x(s.begin + s.length), y + height - 3, 3, color("p-stall"), width);
}

// mark marks a failure.
function mark(ctx, at, y, height) {
	if (at < 0) return;
	ctx.fillStyle = color("bad");
	ctx.beginPath();
	ctx.moveTo(at, y - 1);
	ctx.lineTo(at + 4, y + height / 2);
	ctx.lineTo(at, y + height + 1);
	ctx.lineTo(at - 4, y + height / 2);
	ctx.fill();
}

// drawConn draws a connection: how it was opened, and how long it was open.
function drawConn(ctx, m, i, x, y, height, width) {
	const c = m.conns[i],
		middle = y + height / 2;
	bar(ctx, x(c.begin), x(c.end), middle - 1, 2, color(c.failed ? "bad" : "line-strong"), width);
	let at = c.begin;
	c.phases.forEach((length, k) => {
		if (length > 0) bar(ctx, x(at), x(at + length), y + 1, height - 2, partColor(k + 1), width);
		at += Math.max(length, 0);
	});
	for (const s of m.stallsOf.get(i + ":0") || []) drawStall(ctx, s, x, y, height, width);
	if (c.failed) mark(ctx, Math.min(x(c.end), width - 4), y, height);
}

// drawProcess draws how long a process ran.
function drawProcess(ctx, m, i, x, y, height, width) {
	const p = m.processes[i],
		end = p.end < 0 ? m.end : p.end;
	bar(ctx, x(p.begin), x(end), y + height / 2 - 3, 6, color("p-process-bar"), width);
}

// drawPath draws the critical path through the rows: a strong line along what it is of, and a
// fine one from there to the next. lineOf returns how high a piece is drawn, or null if its row
// is not shown. What the processes do by themselves for less than some pixels is passed over.
function drawPath(ctx, m, first, last, x, lineOf, width, height) {
	const p = m.path,
		along = new Path2D(),
		across = new Path2D();
	let before = null;
	for (let i = first; i < last; i++) {
		const x0 = Math.max(x(p.begin[i]), -4),
			x1 = Math.min(x(p.begin[i] + p.length[i]), width + 4);
		if (p.of[i] === 0 && x1 - x0 < 4) continue;
		const y = lineOf(i);
		if (y !== null && before !== null && before !== y && (between(before, height) || between(y, height))) {
			across.moveTo(x0, Math.min(Math.max(before, -4), height + 4));
			across.lineTo(x0, Math.min(Math.max(y, -4), height + 4));
		}
		if (y !== null && between(y, height)) {
			along.moveTo(x0, y);
			along.lineTo(Math.max(x1, x0 + 1), y);
		}
		before = y;
	}
	ctx.strokeStyle = color("critical");
	ctx.lineWidth = 1;
	ctx.globalAlpha = 0.45;
	ctx.stroke(across);
	ctx.globalAlpha = 1;
	ctx.lineWidth = 2;
	ctx.stroke(along);
}

const between = (y, height) => y >= -4 && y <= height + 4;

// piecesIn returns the places of the pieces of the critical path in a view.
function piecesIn(m, view) {
	const b = m.path.begin || [];
	const search = (us) => {
		let low = 0,
			high = b.length;
		while (low < high) {
			const mid = (low + high) >> 1;
			if (b[mid] < us) low = mid + 1;
			else high = mid;
		}
		return low;
	};
	return [Math.max(0, search(view.from) - 1), search(view.to)];
}
