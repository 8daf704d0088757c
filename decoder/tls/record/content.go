package record

import "fmt"

// ContentType is the type of what a record holds, RFC 8446 §5.1.
type ContentType uint8

// The content types of RFC 8446 §5.1.
const (
	Invalid          ContentType = 0
	ChangeCipherSpec ContentType = 20
	Alert            ContentType = 21
	Handshake        ContentType = 22
	ApplicationData  ContentType = 23
)

// String returns the name that RFC 8446 §5.1 gives the type.
func (t ContentType) String() string {
	switch t {
	case Invalid:
		return "invalid"
	case ChangeCipherSpec:
		return "change_cipher_spec"
	case Alert:
		return "alert"
	case Handshake:
		return "handshake"
	case ApplicationData:
		return "application_data"
	}
	return fmt.Sprintf("content_type(%d)", uint8(t))
}
