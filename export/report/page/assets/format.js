"use strict";
// Numbers as people read them. Times are in microseconds; a negative one is unknown.

function formatTime(us) {
	if (!(us >= 0)) return "–";
	if (us >= 60e6) return Math.floor(us / 60e6) + " min " + ((us % 60e6) / 1e6).toFixed(0) + " s";
	if (us >= 1e6) return (us / 1e6).toFixed(2) + " s";
	if (us >= 1e4) return (us / 1e3).toFixed(0) + " ms";
	if (us >= 1e3) return (us / 1e3).toFixed(1) + " ms";
	return us.toFixed(0) + " µs";
}

function formatBytes(n) {
	if (!(n >= 0)) return n < 0 ? "−" + formatBytes(-n) : "–";
	for (const [unit, size] of [
		["GB", 1e9],
		["MB", 1e6],
		["kB", 1e3],
	]) {
		if (n >= size) return (n / size).toFixed(n >= 100 * size ? 0 : n >= 10 * size ? 1 : 2) + " " + unit;
	}
	return n + " B";
}

// formatSize is formatBytes for sizes, of which a negative one is unknown.
const formatSize = (n) => (n >= 0 ? formatBytes(n) : "–");

// formatRound is formatBytes for round numbers, as on an axis.
const formatRound = (n) =>
	formatBytes(n)
		.replace(/(\.\d*?)0+(?= )/, "$1")
		.replace(/\.(?= )/, "");

const formatShare = (part, all) => (all > 0 ? ((part / all) * 100).toFixed(0) + " %" : "–");

const plural = (n, one, more) => n.toLocaleString("en") + " " + (n === 1 ? one : more);
