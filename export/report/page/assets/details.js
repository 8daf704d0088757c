"use strict";
// What is known of the selected row.

const details = { of: "" };

function showDetails(state, close) {
	const box = byId("details"),
		row = waterfall.rows[state.selected];
	const shown = row && row.kind !== rowGroup && state.detailed;
	const of = shown ? report.runs.indexOf(state.m.run) + ":" + rowKey(row) : "";
	if (of === details.of) return; // and what is in it keeps the focus
	details.of = of;
	box.hidden = !shown;
	byId("waterfall").classList.toggle("detailed", Boolean(shown));
	if (!shown) return;
	const button = make(
		"button",
		{ type: "button", class: "close", title: "Close (Esc)", "aria-label": "Close details" },
		"✕",
	);
	button.addEventListener("click", close);
	const body = { [rowExchange]: exchangeDetails, [rowConn]: connDetails, [rowProcess]: processDetails };
	box.replaceChildren(button, ...body[row.kind](state.m, row.at));
	box.scrollTop = 0;
}

// facts returns pairs of names and values.
function facts(pairs) {
	const list = make("dl");
	for (const [k, v] of pairs)
		if (v !== "" && v !== null && v !== undefined)
			list.append(make("dt", null, k), make("dd", null, String(v)));
	return list;
}

function exchangeDetails(m, i) {
	const x = m.exchanges,
		c = m.conns[x.conn[i]],
		p = m.processes[x.process[i]];
	return [
		make("h3", null, (name(x.method[i]) + " " + urlOf(m, i)).trim()),
		phaseList(m, i),
		facts([
			["status", x.status[i] || "none"],
			["error", failure(m, i)],
			["kind", name(x.kind[i])],
			["response", formatSize(x.bytes[i])],
			["began at", m.clock ? formatTime(x.begin[i]) : ""],
			...(x.facts[i] || []),
			["connection", c ? (c.id + " " + c.peer).trim() : ""],
			["stream", x.stream[i] || ""],
			["process", p ? p.name + " " + p.pid : ""],
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

// phaseList shows how long each phase took, and how long flow control stalled them.
function phaseList(m, i) {
	const x = m.exchanges,
		all = Math.max(x.total[i], 1);
	const line = (name, key, length) => {
		const fill = make("i", { class: "p-" + key });
		fill.style.width = Math.max(0, Math.min(100, (length / all) * 100)) + "%";
		return make(
			"li",
			null,
			make("span", null, name),
			make("b", null, fill),
			make("span", null, formatTime(length)),
		);
	};
	const lines = phaseParts
		.map((part, k) => ({ part, length: x.phases[6 * i + k] }))
		.filter((phase) => phase.length !== 0)
		.map((phase) => line(report.parts[phase.part], partKeys[phase.part], phase.length));
	if (x.stalled[i] > 0) lines.push(line("– stalled", "stall", x.stalled[i]));
	const sum = make(
		"li",
		{ class: "sum" },
		make("span", null, "total"),
		make("b"),
		make("span", null, formatTime(x.total[i])),
	);
	return make("ul", { class: "phases" }, ...lines, sum);
}

function connDetails(m, i) {
	const c = m.conns[i],
		p = m.processes[c.process];
	return [
		make("h3", null, ((c.id ? c.id + " " : "") + c.peer).trim()),
		facts([
			["failed", c.failed || ""],
			["requests", c.exchanges.length || ""],
			["opened at", formatTime(c.begin)],
			["lasted", formatTime(c.end - c.begin)],
			["dns", c.phases[0] > 0 ? formatTime(c.phases[0]) : ""],
			["connect", c.phases[1] > 0 ? formatTime(c.phases[1]) : ""],
			["tls", c.phases[2] > 0 ? formatTime(c.phases[2]) : ""],
			...(c.facts || []),
			["process", p ? p.name + " " + p.pid : ""],
			["critical path", m.pieces ? criticalShare(m, ofConn, i) : ""],
		]),
	];
}

function processDetails(m, i) {
	const p = m.processes[i];
	return [
		make("h3", null, (p.name || "process") + " " + p.pid),
		facts([
			["executable", p.exe || ""],
			["parent", p.ppid || ""],
			["began at", formatTime(p.begin)],
			["ran", p.end < 0 ? "" : formatTime(p.end - p.begin)],
			["end", p.exit || ""],
			["note", p.note || ""],
			["connections", p.conns.length],
		]),
	];
}
