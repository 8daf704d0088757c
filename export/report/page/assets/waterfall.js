"use strict";
// The list of rows. Labels are elements, so that they can be read aloud and copied; what is
// beside them is one canvas. Only the rows on the screen exist.

const waterfall = { rows: [], top: 0, wide: true, rowHeight: 22, printing: false };

// layoutWaterfall gives rows, labels and canvases their sizes.
function layoutWaterfall() {
	const grid = byId("grid"),
		scroll = byId("scroll");
	waterfall.wide = grid.clientWidth >= 620;
	waterfall.rowHeight = waterfall.wide || !state.m.clock ? 22 : 38;
	grid.classList.toggle("narrow", !waterfall.wide);
	waterfall.label = !state.m.clock
		? grid.clientWidth
		: waterfall.wide
			? Math.round(Math.min(Math.max(grid.clientWidth * 0.44, 320), 580))
			: 0;
	grid.classList.toggle("tight", waterfall.label < 400);
	grid.style.setProperty("--label", waterfall.label + "px");
	const cells = waterfall.wide ? (waterfall.label < 400 ? 134 : 206) : 120; // of the other columns
	waterfall.room = Math.floor(((waterfall.label || grid.clientWidth) - cells - 24) / 6.9);
	const all = waterfall.rows.length * waterfall.rowHeight;
	byId("space").style.height = all + "px";
	scroll.style.height =
		(waterfall.printing ? all : Math.min(all, Math.max(220, Math.round(window.innerHeight * 0.62)))) + "px";
	waterfall.height = scroll.clientHeight;
	waterfall.width = Math.max(scroll.clientWidth - waterfall.label, 40);
}

// rowOfPiece returns the row of what a piece of the critical path is of, or of what holds it; -1
// if none is shown.
function rowOfPiece(m, i) {
	const p = m.path,
		at = p.at[i],
		find = (kind, n) => waterfall.at.get(kind + ":" + n) ?? -1;
	let conn = -1,
		process = m.worker[i],
		row = -1;
	if (p.of[i] === ofExchange) {
		row = find(rowExchange, at);
		conn = m.exchanges.conn[at];
		process = m.exchanges.process[at];
	} else if (p.of[i] === ofConn) {
		conn = at;
		process = m.conns[at].process;
	} else if (p.of[i] === ofProcess) process = at;
	if (row < 0 && conn >= 0) row = find(rowConn, conn);
	if (row < 0 && process >= 0) row = find(rowProcess, process);
	return row;
}

// drawWaterfall draws the rows on the screen.
function drawWaterfall(state) {
	const { m, view } = state,
		w = waterfall;
	w.top = byId("scroll").scrollTop;
	const first = Math.max(0, Math.floor(w.top / w.rowHeight)),
		last = Math.min(w.rows.length, Math.ceil((w.top + w.height) / w.rowHeight));
	drawLabels(state, first, last);
	if (!m.clock) return;
	drawAxis(view);
	const ctx = fit(byId("bars"), w.width, w.height),
		x = scaleOf(view, w.width);
	const { height, offset } = barPlace();
	ctx.fillStyle = color("grid-line");
	for (const at of ticks(view, w.width, 90).list) ctx.fillRect(Math.round(x(at)), 0, 1, w.height);
	for (let i = first; i < last; i++) {
		const row = w.rows[i],
			y = i * w.rowHeight - w.top;
		if (i === state.selected) {
			ctx.fillStyle = color("selected");
			ctx.fillRect(0, y, w.width, w.rowHeight);
		}
		if (row.kind === rowExchange) drawExchange(ctx, m, row.at, x, y + offset, height, w.width);
		else if (row.kind === rowConn) drawConn(ctx, m, row.at, x, y + offset, height, w.width);
		else if (row.kind === rowProcess) drawProcess(ctx, m, row.at, x, y + offset, height, w.width);
	}
	if (m.pieces === 0) return;
	const [from, to] = piecesIn(m, view);
	const lineOf = (i) => {
		const row = rowOfPiece(m, i);
		return row < 0 ? null : row * w.rowHeight - w.top + offset + height + 2;
	};
	drawPath(ctx, m, from, to, x, lineOf, w.width, w.height);
}

// barPlace returns how high a bar is, and where in its row.
const barPlace = () => (waterfall.wide ? { height: 10, offset: 5 } : { height: 8, offset: 24 });

function drawAxis(view) {
	const canvas = byId("axis"),
		width = waterfall.width,
		height = 22,
		ctx = fit(canvas, width, height);
	const { list, step } = ticks(view, width, 90),
		x = scaleOf(view, width);
	ctx.font = "11px " + color("font");
	ctx.textBaseline = "middle";
	for (const at of list) {
		ctx.fillStyle = color("grid-line");
		ctx.fillRect(Math.round(x(at)), 0, 1, height);
		ctx.fillStyle = color("muted");
		const text = tickText(at, step);
		if (x(at) + 6 + ctx.measureText(text).width < width)
			ctx.fillText(text, Math.round(x(at)) + 4, height / 2);
	}
}

// drawLabels fills the labels of rows.
function drawLabels(state, first, last) {
	const box = byId("labels"),
		w = waterfall;
	while (box.children.length < last - first) box.append(newLabel());
	while (box.children.length > last - first) box.lastChild.remove();
	box.style.transform = "translateY(" + (first * w.rowHeight - w.top) + "px)";
	for (let i = first; i < last; i++) fillLabel(box.children[i - first], state, i);
	const scroll = byId("scroll"),
		active = state.selected;
	scroll.setAttribute("aria-rowcount", w.rows.length);
	if (active >= first && active < last) scroll.setAttribute("aria-activedescendant", "row-" + active);
	else scroll.removeAttribute("aria-activedescendant");
}

function newLabel() {
	const cell = (c, ...children) => make("span", { class: c, role: "gridcell" }, ...children);
	return make(
		"div",
		{ role: "row" },
		cell(
			"c-name",
			make("span", { class: "fold", "aria-hidden": "true" }),
			make("span", { class: "head" }),
			make("span", { class: "tail" }),
		),
		cell("c-status"),
		cell("c-size"),
		cell("c-time"),
	);
}

function fillLabel(e, state, i) {
	const { m } = state,
		row = waterfall.rows[i],
		[head, tail] = rowName(m, row, waterfall.room - 2 * row.level),
		[nameCell, status, size, time] = e.children;
	e.id = "row-" + i;
	e.className = "row k" + row.kind + (i === state.selected ? " selected" : "");
	e.setAttribute("aria-rowindex", i + 1);
	e.setAttribute("aria-level", row.level);
	e.setAttribute("aria-selected", String(i === state.selected));
	if (row.children) e.setAttribute("aria-expanded", String(row.open));
	else e.removeAttribute("aria-expanded");
	nameCell.style.paddingLeft = 4 + (row.level - 1) * 14 + "px";
	nameCell.children[0].textContent = row.children ? (row.open ? "▾" : "▸") : "";
	nameCell.children[1].textContent = head;
	nameCell.children[2].textContent = tail;
	const span = rowSpan(m, row);
	if (row.kind === rowExchange) {
		const failed = failure(m, row.at);
		status.textContent = m.exchanges.status[row.at] || failed || "–";
		e.classList.toggle("failed", failed !== "");
		e.classList.toggle("critical", m.critical[row.at] === 1);
		size.textContent = formatSize(m.exchanges.bytes[row.at]);
		time.textContent = formatTime(m.exchanges.total[row.at]);
	} else {
		const c = row.kind === rowConn ? m.conns[row.at] : null;
		status.textContent = c && c.failed ? "failed" : "";
		e.classList.toggle("failed", Boolean(c && c.failed));
		e.classList.remove("critical");
		size.textContent = c && c.exchanges.length ? c.exchanges.length + " req" : "";
		time.textContent = row.kind === rowGroup ? "" : formatTime(span[1] - span[0]);
	}
}

// showRow scrolls to a row. On a phone, details cover the lower half.
function showRow(i) {
	const scroll = byId("scroll"),
		w = waterfall,
		y = i * w.rowHeight;
	const room = !w.wide && state.detailed ? w.height / 2 : w.height;
	if (y < scroll.scrollTop) scroll.scrollTop = y;
	else if (y + w.rowHeight > scroll.scrollTop + room) scroll.scrollTop = y + w.rowHeight - room;
}
