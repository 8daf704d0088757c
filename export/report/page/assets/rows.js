"use strict";
// The rows of the waterfall: processes, their connections, and the exchanges on these; or
// exchanges alone, in another order.

const rowProcess = 0,
	rowConn = 1,
	rowExchange = 2,
	rowGroup = 3;

// listRows returns the rows that the state lets show. closed holds the keys of closed rows.
function listRows(m, state) {
	const matches = state.match ? exchangeFilter(m, state.match) : null;
	const rows = [];
	if (state.order === "tree") treeRows(m, state, matches, rows);
	else flatRows(m, state, matches, rows);
	return rows;
}

function flatRows(m, state, matches, rows) {
	const x = m.exchanges,
		list = [];
	for (let i = 0; i < m.count; i++) if (!matches || matches(i)) list.push(i);
	if (state.order === "total") list.sort((a, b) => x.total[b] - x.total[a]);
	if (state.order === "bytes") list.sort((a, b) => x.bytes[b] - x.bytes[a]);
	for (const i of list) rows.push({ kind: rowExchange, at: i, level: 1 });
}

function treeRows(m, state, matches, rows) {
	const quiet = [];
	m.processes.forEach((p, i) => {
		if (p.conns.length + p.exchanges.length === 0) quiet.push(i);
		else addProcess(m, i, state, matches, rows);
	});
	for (const i of m.orphans) if (!matches || matches(i)) rows.push({ kind: rowExchange, at: i, level: 1 });
	m.conns.forEach((c, i) => m.processes[c.process] || addConn(m, i, 1, state, matches, rows));
	if (quiet.length === 0 || matches) return;
	if (m.processes.length === quiet.length) {
		for (const i of quiet) rows.push({ kind: rowProcess, at: i, level: 1 });
		return;
	}
	const group = {
		kind: rowGroup,
		at: 0,
		level: 1,
		children: true,
		count: quiet.length,
		open: state.opened.has("3:0"),
	};
	rows.push(group);
	if (group.open) for (const i of quiet) rows.push({ kind: rowProcess, at: i, level: 2 });
}

function addProcess(m, at, state, matches, rows) {
	const p = m.processes[at],
		row = { kind: rowProcess, at, level: 1, children: true, open: !state.closed.has("0:" + at) };
	const place = rows.push(row);
	if (row.open || matches) {
		for (const i of p.exchanges)
			if (!matches || matches(i)) rows.push({ kind: rowExchange, at: i, level: 2 });
		for (const i of p.conns) addConn(m, i, 2, state, matches, rows);
	}
	if (matches && rows.length === place) rows.pop();
	else if (matches && !row.open) rows.length = place;
}

function addConn(m, at, level, state, matches, rows) {
	const c = m.conns[at],
		row = { kind: rowConn, at, level, children: c.exchanges.length > 0, open: !state.closed.has("1:" + at) };
	const place = rows.push(row);
	let shown = 0;
	for (const i of c.exchanges) {
		if (matches && !matches(i)) continue;
		shown++;
		if (row.open) rows.push({ kind: rowExchange, at: i, level: level + 1 });
	}
	if (matches && shown === 0 && !(state.match.failed && c.failed)) rows.length = place - 1;
}

const rowKey = (row) => row.kind + ":" + row.at;

// rowSpan returns when what a row shows began and ended.
function rowSpan(m, row) {
	switch (row.kind) {
		case rowExchange:
			return [m.exchanges.begin[row.at], m.exchanges.begin[row.at] + Math.max(0, m.exchanges.total[row.at])];
		case rowConn:
			return [m.conns[row.at].begin, m.conns[row.at].end];
		case rowProcess: {
			const p = m.processes[row.at];
			return [p.begin, p.end < 0 ? m.end : p.end];
		}
	}
	return [0, 0];
}

// rowName returns the name of a row in two: what may be cut at its end, and what may not. room is
// how many characters there is room for.
function rowName(m, row, room) {
	if (row.kind === rowGroup) return [plural(row.count, "process", "processes") + " without HTTP", ""];
	if (row.kind === rowProcess) {
		const p = m.processes[row.at];
		return [(p.name || "process") + " " + p.pid, ""];
	}
	if (row.kind === rowConn) {
		const c = m.conns[row.at];
		return [(c.id ? c.id + " " : "") + (c.server ? "from " : "") + c.peer, ""];
	}
	const x = m.exchanges,
		method = name(x.method[row.at]);
	const text =
		(method && method !== "GET" ? method + " " : "") +
		(x.path[row.at] || name(x.origin[row.at]) || "(request not seen)");
	const tail = text.length > room ? Math.min(24, Math.max(4, Math.floor(room * 0.6))) : 0;
	return [text.slice(0, text.length - tail), text.slice(text.length - tail)];
}
