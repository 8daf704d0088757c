"use strict";
// What is known of the selected row.

function showDetails(state, close) {
	const box = byId("details"), row = waterfall.rows[state.selected];
	box.hidden = !row || row.kind === rowGroup || !state.detailed;
	byId("waterfall").classList.toggle("detailed", !box.hidden);
	if (box.hidden) return;
	const button = make("button", { type: "button", class: "close", title: "Close (Esc)", "aria-label": "Close details" }, "✕");
	button.addEventListener("click", close);
	const body = row.kind === rowExchange ? exchangeDetails(state.m, row.at) : row.kind === rowConn ? connDetails(state.m, row.at) : processDetails(state.m, row.at);
	box.replaceChildren(button, ...body);
}

// facts returns pairs of names and values.
function facts(pairs) {
	const list = make("dl");
	for (const [k, v] of pairs) if (v !== "" && v !== null && v !== undefined) list.append(make("dt", null, k), make("dd", null, String(v)));
	return list;
}

function exchangeDetails(m, i) {
	const x = m.exchanges, c = m.conns[x.conn[i]], p = m.processes[x.process[i]];
	return [
		make("h3", null, (name(x.method[i]) + " " + urlOf(m, i)).trim()),
		phaseList(m, i),
		facts([
			["status", x.status[i] || "none"], ["error", failure(m, i)], ["kind", name(x.kind[i])], ["response", formatBytes(x.bytes[i])],
			["began at", m.clock ? formatTime(x.begin[i]) : ""], ["stalled", x.stalled[i] > 0 ? formatTime(x.stalled[i]) : ""], ...(x.facts[i] || []),
			["connection", c ? (c.id + " " + c.peer).trim() : ""], ["stream", x.stream[i] || ""], ["process", p ? p.name + " " + p.pid : ""],
			["critical path", m.pieces ? criticalShare(m, ofExchange, i) : ""],
		]),
	];
}

// criticalShare says how much of the critical path something is.
function criticalShare(m, kind, at) {
	let sum = 0;
	for (const i of m.piecesOf.get(kind + ":" + at) || []) sum += m.path.length[i];
	return sum > 0 ? formatTime(sum) + ", " + formatShare(sum, m.wall) + " of the wall time" : "not on it";
}

function phaseList(m, i) {
	const x = m.exchanges, list = make("ul", { class: "phases" }), all = Math.max(x.total[i], 1);
	for (let k = 0; k < 6; k++) {
		const length = x.phases[6 * i + k];
		if (length === 0) continue;
		const fill = make("i", { class: "p-" + partKeys[phaseParts[k]] });
		fill.style.width = Math.max(0, Math.min(100, (length / all) * 100)) + "%";
		list.append(make("li", null, make("span", null, report.parts[phaseParts[k]]), make("b", null, fill), make("span", null, formatTime(length))));
	}
	list.append(make("li", { class: "sum" }, make("span", null, "total"), make("b"), make("span", null, formatTime(x.total[i]))));
	return list;
}

function connDetails(m, i) {
	const c = m.conns[i], p = m.processes[c.process];
	return [
		make("h3", null, ((c.id ? c.id + " " : "") + c.peer).trim()),
		facts([
			["failed", c.failed || ""], ["requests", c.exchanges.length || ""], ["opened at", formatTime(c.begin)], ["lasted", formatTime(c.end - c.begin)],
			["dns", c.phases[0] > 0 ? formatTime(c.phases[0]) : ""], ["connect", c.phases[1] > 0 ? formatTime(c.phases[1]) : ""],
			["tls", c.phases[2] > 0 ? formatTime(c.phases[2]) : ""], ...(c.facts || []), ["process", p ? p.name + " " + p.pid : ""],
			["critical path", m.pieces ? criticalShare(m, ofConn, i) : ""],
		]),
	];
}

function processDetails(m, i) {
	const p = m.processes[i];
	return [
		make("h3", null, (p.name || "process") + " " + p.pid),
		facts([
			["executable", p.exe || ""], ["parent", p.ppid || ""], ["began at", formatTime(p.begin)], ["ran", p.end < 0 ? "" : formatTime(p.end - p.begin)],
			["end", p.exit || ""], ["note", p.note || ""], ["connections", p.conns.length],
		]),
	];
}
