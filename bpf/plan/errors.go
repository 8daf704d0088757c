package plan

import (
	"cmp"
	"encoding/binary"
	"io"
	"slices"
)

// ErrorKind is a type of error that a handshake may end with.
type ErrorKind uint8

// The kinds. ErrorUnknown is for a type that is none of them.
const (
	ErrorUnknown          ErrorKind = iota
	ErrorPermanent                  // *tls.permanentError
	ErrorOp                         // *net.OpError
	ErrorSyscall                    // *os.SyscallError
	ErrorErrno                      // syscall.Errno
	ErrorString                     // *errors.errorString
	ErrorWrap                       // *fmt.wrapError
	ErrorAlert                      // tls.alert
	ErrorHeader                     // tls.RecordHeaderError
	ErrorVerification               // *tls.CertificateVerificationError
	ErrorUnknownAuthority           // x509.UnknownAuthorityError
	ErrorHostname                   // x509.HostnameError
	ErrorInvalid                    // x509.CertificateInvalidError
	ErrorDeadline                   // *poll.DeadlineExceededError
	ErrorClosed                     // poll.errNetClosing
)

// ErrorType is how errors of one type look in memory.
type ErrorType struct {
	Hash uint32
	Kind ErrorKind
	Text bool // begins with a string that says what happened
	// Wraps says that there is another error within, At bytes from the start.
	Wraps bool
	At    uint8
}

// errorTypes are the types by their names, which in the type data are those of
// the pointer also where the type is not one. The offsets held in every release
// from 1.18 to 1.27.
var errorTypes = []struct {
	name    string
	pointer bool
	ErrorType
}{
	{"*tls.permanentError", true, ErrorType{Kind: ErrorPermanent, Wraps: true}},
	{"*net.OpError", true, ErrorType{Kind: ErrorOp, Text: true, Wraps: true, At: 64}},
	{"*os.SyscallError", true, ErrorType{Kind: ErrorSyscall, Wraps: true, At: 16}},
	{"*syscall.Errno", false, ErrorType{Kind: ErrorErrno}},
	{"*errors.errorString", true, ErrorType{Kind: ErrorString, Text: true}},
	{"*fmt.wrapError", true, ErrorType{Kind: ErrorWrap, Text: true}},
	{"*tls.alert", false, ErrorType{Kind: ErrorAlert}},
	{"*tls.RecordHeaderError", false, ErrorType{Kind: ErrorHeader, Text: true}},
	{"*tls.CertificateVerificationError", true, ErrorType{Kind: ErrorVerification, Wraps: true, At: 24}},
	{"*x509.UnknownAuthorityError", false, ErrorType{Kind: ErrorUnknownAuthority}},
	{"*x509.HostnameError", false, ErrorType{Kind: ErrorHostname}},
	{"*x509.CertificateInvalidError", false, ErrorType{Kind: ErrorInvalid}},
	{"*poll.DeadlineExceededError", true, ErrorType{Kind: ErrorDeadline}},
	{"*poll.errNetClosing", false, ErrorType{Kind: ErrorClosed}},
}

// findErrorTypes returns those of errorTypes that the executable has.
func (e *executable) findErrorTypes() ([]ErrorType, error) {
	types, start, err := e.types()
	if types == nil || err != nil {
		return nil, err
	}
	names := make([][]byte, len(errorTypes))
	for i := range errorTypes {
		names[i] = append([]byte{byte(len(errorTypes[i].name))}, errorTypes[i].name...)
	}
	strs := make([][]byte, len(errorTypes))
	missing := len(names)
	err = scan(types, types.Size(), names, func(i int, at int64) bool {
		if strs[i] == nil { // the flags stand before the length (internal/abi.Name)
			strs[i] = binary.LittleEndian.AppendUint32(nil, uint32(at-1))
			missing--
		}
		return missing > 0
	})
	if err != nil {
		return nil, err
	}
	var found []ErrorType
	var patterns [][]byte
	var of []int
	for i, str := range strs {
		if str != nil {
			patterns, of = append(patterns, str), append(of, i)
		}
	}
	done := make([]bool, len(errorTypes))
	typ := make([]byte, typeSize)
	err = scan(types, types.Size(), patterns, func(p int, at int64) bool {
		i := of[p]
		at -= typeStr
		if done[i] || at < 0 || (start+uint64(at))%typeAlign != 0 || readFull(types, typ, at) != nil {
			return true
		}
		if (typ[typeKind]&kindMask == kindPointer) == errorTypes[i].pointer && typ[typeKind]&kindMask != 0 {
			done[i] = true
			t := errorTypes[i].ErrorType
			t.Hash = binary.LittleEndian.Uint32(typ[typeHash:])
			found = append(found, t)
		}
		return len(found) < len(patterns)
	})
	slices.SortFunc(found, func(a, b ErrorType) int { return cmp.Compare(a.Kind, b.Kind) })
	return found, err
}

// types returns the type data of the executable and its address, nil where they
// are not known.
func (e *executable) types() (*io.SectionReader, uint64, error) {
	start, end := e.symbols[symTypes].addr, e.symbols[symETypes].addr
	if start == 0 || end <= start {
		return nil, 0, nil
	}
	if end-start > maxTable {
		return nil, 0, notTraceable("damaged ELF file: %d bytes of types", end-start)
	}
	seg, base, err := atAddr(e.file, start, end-start)
	if err != nil {
		return nil, 0, err
	}
	return io.NewSectionReader(seg, base, int64(end-start)), start, nil
}
