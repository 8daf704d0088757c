package plan

import (
	"cmp"
	"slices"
)

// ErrorKind is a type of error with which a handshake may end.
type ErrorKind uint8

// The kinds. ErrorUnknown is any other type.
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

// ErrorType is the memory format of errors of one type.
type ErrorType struct {
	Hash uint32
	Kind ErrorKind
	Text bool // begins with a string that says what happened
	// Wraps says that it wraps another error, At bytes from the start.
	Wraps bool
	At    uint8
}

// errorTypes are the types by their names. The offsets held in every release from
// 1.18 to 1.27.
var errorTypes = []struct {
	typeName
	ErrorType
}{
	{typeName{name: "*tls.permanentError", pointer: true}, ErrorType{Kind: ErrorPermanent, Wraps: true}},
	{typeName{name: "*net.OpError", pointer: true}, ErrorType{Kind: ErrorOp, Text: true, Wraps: true, At: 64}},
	{typeName{name: "*os.SyscallError", pointer: true}, ErrorType{Kind: ErrorSyscall, Wraps: true, At: 16}},
	{typeName{name: "*syscall.Errno"}, ErrorType{Kind: ErrorErrno}},
	{typeName{name: "*errors.errorString", pointer: true}, ErrorType{Kind: ErrorString, Text: true}},
	{typeName{name: "*fmt.wrapError", pointer: true}, ErrorType{Kind: ErrorWrap, Text: true}},
	{typeName{name: "*tls.alert"}, ErrorType{Kind: ErrorAlert}},
	{typeName{name: "*tls.RecordHeaderError"}, ErrorType{Kind: ErrorHeader, Text: true}},
	{typeName{name: "*tls.CertificateVerificationError", pointer: true}, ErrorType{Kind: ErrorVerification, Wraps: true, At: 24}},
	{typeName{name: "*x509.UnknownAuthorityError"}, ErrorType{Kind: ErrorUnknownAuthority}},
	{typeName{name: "*x509.HostnameError"}, ErrorType{Kind: ErrorHostname}},
	{typeName{name: "*x509.CertificateInvalidError"}, ErrorType{Kind: ErrorInvalid}},
	{typeName{name: "*poll.DeadlineExceededError", pointer: true}, ErrorType{Kind: ErrorDeadline}},
	{typeName{name: "*poll.errNetClosing"}, ErrorType{Kind: ErrorClosed}},
}

// knownErrors returns the errorTypes of an executable, by their hashes.
func knownErrors(hashes []uint32) []ErrorType {
	var found []ErrorType
	for i, hash := range hashes {
		if t := errorTypes[i].ErrorType; hash != 0 {
			t.Hash = hash
			found = append(found, t)
		}
	}
	slices.SortFunc(found, func(a, b ErrorType) int { return cmp.Compare(a.Kind, b.Kind) })
	return found
}
