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
	{typeName{"*tls.permanentError", true}, ErrorType{Kind: ErrorPermanent, Wraps: true}},
	{typeName{"*net.OpError", true}, ErrorType{Kind: ErrorOp, Text: true, Wraps: true, At: 64}},
	{typeName{"*os.SyscallError", true}, ErrorType{Kind: ErrorSyscall, Wraps: true, At: 16}},
	{typeName{"*syscall.Errno", false}, ErrorType{Kind: ErrorErrno}},
	{typeName{"*errors.errorString", true}, ErrorType{Kind: ErrorString, Text: true}},
	{typeName{"*fmt.wrapError", true}, ErrorType{Kind: ErrorWrap, Text: true}},
	{typeName{"*tls.alert", false}, ErrorType{Kind: ErrorAlert}},
	{typeName{"*tls.RecordHeaderError", false}, ErrorType{Kind: ErrorHeader, Text: true}},
	{typeName{"*tls.CertificateVerificationError", true}, ErrorType{Kind: ErrorVerification, Wraps: true, At: 24}},
	{typeName{"*x509.UnknownAuthorityError", false}, ErrorType{Kind: ErrorUnknownAuthority}},
	{typeName{"*x509.HostnameError", false}, ErrorType{Kind: ErrorHostname}},
	{typeName{"*x509.CertificateInvalidError", false}, ErrorType{Kind: ErrorInvalid}},
	{typeName{"*poll.DeadlineExceededError", true}, ErrorType{Kind: ErrorDeadline}},
	{typeName{"*poll.errNetClosing", false}, ErrorType{Kind: ErrorClosed}},
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
