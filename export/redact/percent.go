package redact

// maxLevel bounds the level of a character. It keeps the work on a hostile value
// proportional to its length: at most one authority is open on each level.
const maxLevel = 8

// char is one character of a text: its value, how often it was percent-encoded and how
// many bytes it occupies.
type char struct {
	b     byte
	level int
	width int
}

// decodeChar returns the character at s[i:]. "%2541" is an "A" that was encoded twice. A
// "%" that begins no escape is a plain "%".
func decodeChar(s string, i int) char {
	if s[i] != '%' {
		return char{s[i], 0, 1}
	}
	level, j := 0, i+1
	for j+1 < len(s) && s[j] == '2' && s[j+1] == '5' {
		level, j = level+1, j+2
	}
	if j+1 < len(s) {
		hi, lo := unhex(s[j]), unhex(s[j+1])
		if hi >= 0 && lo >= 0 {
			return char{byte(hi<<4 | lo), min(level+1, maxLevel), j + 2 - i}
		}
	}
	return char{'%', min(level, maxLevel), j - i}
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

func unhex(b byte) int {
	switch b = lower(b); {
	case '0' <= b && b <= '9':
		return int(b - '0')
	case 'a' <= b && b <= 'f':
		return int(b-'a') + 10
	}
	return -1
}
