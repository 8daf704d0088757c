package redact

import "strings"

// Argument removes secrets from an argument of a command. It removes what Text removes; all after
// "name=" of a secret; the value of a secret header, as in git's "http.extraHeader=Authorization:
// Basic …"; and all of it after a flag such as --password. flag is the argument before it, or "".
func (r *Redactor) Argument(flag, s string) ([]byte, bool) {
	if s == "" {
		return nil, false
	}
	if r.isValue(flag, s) {
		return r.keep(""), true
	}
	n := 0
	for n < len(s) && isNameByte(s[n]) {
		n++
	}
	rest := s
	switch eq := strings.IndexByte(s, '='); {
	case eq <= 0:
	case endsInHeader(s[:eq]):
		if rest = s[eq+1:]; strings.TrimSpace(rest) == "" {
			return nil, false
		}
		return r.keep(s[:eq+1+headerLen(rest, strings.IndexByte(rest, ':'))]), true
	case eq == n:
		if rest = s[eq+1:]; r.secretName(s[:eq]) && rest != "" && !isSwitch(rest) {
			return r.keep(s[:eq+1]), true
		}
	}
	if colon := strings.IndexByte(rest, ':'); colon > 0 && r.isHeader(flag, rest[:colon], rest[colon+1:]) {
		return r.keep(s[:len(s)-len(rest)+headerLen(rest, colon)]), true
	}
	return r.Text(s)
}

// isValue reports whether an argument is the secret that the flag before it asks for.
func (r *Redactor) isValue(flag, s string) bool {
	if len(flag) < 2 || flag[0] != '-' || s[0] == '-' || strings.IndexByte(flag, '=') >= 0 {
		return false
	}
	switch flag {
	case "-u", "-U", "--user", "--proxy-user": // of curl; others give numbers
		user, password, found := strings.Cut(s, ":")
		return found && password != "" && strings.Trim(user+password, "0123456789") != "" && !strings.Contains(password, "/")
	}
	return r.secretName(flag) && isFlag(r.name)
}

func (r *Redactor) secretName(name string) bool {
	t := text{r: r, s: name}
	return t.secretName(span{0, len(name)})
}

// endsInHeader reports whether a name is http.extraHeader of git, or http.URL.extraHeader.
func endsInHeader(name string) bool {
	const last = "extraheader"
	return len(name) >= len(last) && strings.EqualFold(name[len(name)-len(last):], last)
}

// isHeader reports whether an argument is a secret header with a value. Of a message, such as that
// of a commit, "auth: …" may be the beginning.
func (r *Redactor) isHeader(flag, name, value string) bool {
	name = strings.ToLower(name)
	for i := range len(name) {
		if !isNameByte(name[i]) {
			return false
		}
	}
	return (flag == "-H" || flag == "--header" || strings.Contains(name, "-") && value[:min(1, len(value))] == " " || isCredentials(name)) &&
		r.names.header(name) == headerSecret && strings.TrimSpace(value) != ""
}

// headerLen returns the length of "name: ", whose ":" is at s[colon]. -1 is for none.
func headerLen(s string, colon int) int {
	return len(s) - len(strings.TrimLeft(s[colon+1:], " "))
}
