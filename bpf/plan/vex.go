package plan

// vexLength returns the length of the instruction at the beginning of code, if it has
// a VEX or EVEX prefix; 0 when it has none or is unknown. Programs built with
// GOAMD64=v3 hold BMI and AVX instructions, which x86asm does not decode. The planner
// need not know what they do, only where the next instruction is. In 64-bit mode the
// bytes 0xc4, 0xc5 and 0x62 are always these prefixes (Intel SDM vol. 2, §2.3 and
// §2.7; the opcode maps are in its appendix A).
func vexLength(code []byte) int {
	if len(code) < 3 {
		return 0
	}
	var opcodeMap byte
	at := 0 // of the opcode
	switch code[0] {
	case 0xc5:
		opcodeMap, at = 1, 2
	case 0xc4:
		opcodeMap, at = code[1]&0x1f, 3
	case 0x62:
		opcodeMap, at = code[1]&0x07, 4
	}
	// Map 1 is 0F, 2 is 0F38, 3 is 0F3A, 5 and 6 are those of AVX512-FP16. Map 4
	// holds APX, whose instructions have the immediates of older ones.
	if at == 0 || at >= len(code) || opcodeMap == 0 || opcodeMap == 4 || opcodeMap > 6 {
		return 0
	}
	opcode := code[at]
	end := at + 1
	if opcodeMap != 1 || opcode != 0x77 { // VZEROUPPER and VZEROALL have no operands
		n := modRMLength(code[end:])
		if n == 0 {
			return 0
		}
		end += n
	}
	if opcodeMap == 3 || opcodeMap == 1 && hasImm8(opcode) {
		end++
	}
	if end > len(code) {
		return 0
	}
	return end
}

// hasImm8 reports whether an instruction of opcode map 1 ends in an immediate
// byte: shuffles, shifts, compares, inserts and extracts.
func hasImm8(opcode byte) bool {
	switch opcode {
	case 0x70, 0x71, 0x72, 0x73, 0xc2, 0xc4, 0xc5, 0xc6:
		return true
	}
	return false
}

// modRMLength returns the length of a ModRM byte with its SIB byte and
// displacement, or 0 when code ends before (Intel SDM vol. 2, §2.1.3).
func modRMLength(code []byte) int {
	if len(code) == 0 {
		return 0
	}
	mod, rm := code[0]>>6, code[0]&7
	n := 1
	if mod == 3 {
		return n
	}
	base := rm
	if rm == 4 {
		if len(code) < 2 {
			return 0
		}
		base = code[1] & 7
		n++
	}
	switch {
	case mod == 1:
		n++
	case mod == 2, base == 5:
		n += 4
	}
	return n
}
