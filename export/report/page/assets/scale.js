"use strict";
// The part of the time that is shown, and where it is on the screen.

// wholeView shows all of a run.
const wholeView = (m) => ({ from: m.first, to: m.end });

// clampView keeps a view within the run.
function clampView(m, from, to) {
	const all = m.end - m.first,
		length = Math.min(Math.max(to - from, Math.min(10, all)), all);
	const begin = Math.min(Math.max(from, m.first), m.end - length);
	return { from: begin, to: begin + length };
}

const scaleOf = (view, width) => (us) => ((us - view.from) / (view.to - view.from)) * width;

const timeAt = (view, width, x) => view.from + (x / width) * (view.to - view.from);

// zoomView zooms by a factor around a time.
function zoomView(m, view, factor, around) {
	return clampView(m, around - (around - view.from) * factor, around + (view.to - around) * factor);
}

// ticks returns round times in a view, some space apart.
function ticks(view, width, space) {
	const least = ((view.to - view.from) / width) * space;
	const power = Math.pow(10, Math.floor(Math.log10(Math.max(least, 1e-3))));
	const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= least);
	const list = [];
	for (let at = Math.ceil(view.from / step) * step; at <= view.to && list.length < 200; at += step)
		list.push(at);
	return { list, step };
}

// tickText names a tick: as exact as the step.
function tickText(us, step) {
	const sign = us < 0 ? "−" : "",
		n = Math.abs(us);
	if (n < step / 1e3) return "0";
	const [unit, size] =
		n >= 1e6 || step >= 1e5 ? ["s", 1e6] : n >= 1e3 || step >= 100 ? ["ms", 1e3] : ["µs", 1];
	const decimals = Math.min(6, Math.max(0, Math.ceil(Math.log10(size / step) - 1e-9)));
	return sign + (n / size).toFixed(decimals) + " " + unit;
}
