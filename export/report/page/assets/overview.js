"use strict";
// All of the time at a glance: the critical path by its parts, and how many exchanges were
// under way. A drag over it selects what the waterfall shows.

function drawOverview(m, view) {
	const box = byId("overview"),
		width = box.clientWidth,
		height = box.clientHeight;
	if (width === 0 || !m.clock) return;
	const ctx = fit(byId("overview-canvas"), width, height);
	const x = scaleOf(wholeView(m), width),
		strip = 12;
	const p = m.path;
	for (let i = 0; i < m.pieces; i++)
		bar(ctx, x(p.begin[i]), x(p.begin[i] + p.length[i]), 0, strip, partColor(p.part[i]), width);
	drawLoad(ctx, m, x, width, strip + 4, height);
	const w = byId("overview-window"),
		zoomed = view.to - view.from < (m.end - m.first) * 0.999;
	w.hidden = !zoomed;
	w.style.left = x(view.from) + "px";
	w.style.width = Math.max(2, x(view.to) - x(view.from)) + "px";
}

// drawLoad draws how many exchanges were under way.
function drawLoad(ctx, m, x, width, top, bottom) {
	const load = new Float32Array(Math.ceil(width) + 2),
		e = m.exchanges;
	for (let i = 0; i < m.count; i++) {
		const from = Math.max(0, Math.floor(x(e.begin[i]))),
			to = Math.min(load.length - 2, Math.floor(x(e.begin[i] + Math.max(0, e.total[i]))));
		if (from > to) continue;
		load[from]++;
		load[to + 1]--;
	}
	let now = 0,
		most = 1;
	for (let i = 0; i < load.length; i++) {
		now += load[i];
		load[i] = now;
		most = Math.max(most, now);
	}
	ctx.fillStyle = color("load");
	for (let i = 0; i < width; i++) {
		const h = (load[i] / most) * (bottom - top);
		if (h > 0) ctx.fillRect(i, bottom - h, 1, h);
	}
	m.peak = most;
}

// dragTime lets a drag over an element select a time. view and width are what the element shows.
function dragTime(element, view, width, done) {
	let begin = null;
	const shade = make("div", { class: "drag", hidden: true });
	element.append(shade);
	const place = (e) => Math.min(Math.max(e.clientX - element.getBoundingClientRect().left, 0), width());
	element.addEventListener("pointerdown", (e) => {
		if (e.button !== 0) return;
		begin = place(e);
		element.setPointerCapture(e.pointerId);
	});
	element.addEventListener("pointermove", (e) => {
		if (begin === null) return;
		const now = place(e);
		shade.hidden = Math.abs(now - begin) < 4;
		shade.style.left = Math.min(begin, now) + "px";
		shade.style.width = Math.abs(now - begin) + "px";
	});
	const end = (e) => {
		if (begin === null) return;
		const now = place(e),
			from = Math.min(begin, now),
			to = Math.max(begin, now);
		begin = null;
		shade.hidden = true;
		if (e.type === "pointerup" && to - from >= 4)
			done(timeAt(view(), width(), from), timeAt(view(), width(), to));
	};
	element.addEventListener("pointerup", end);
	element.addEventListener("pointercancel", end);
}
