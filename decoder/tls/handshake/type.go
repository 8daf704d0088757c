package handshake

import (
	"cmp"
	"strconv"
)

// MessageType is the type of a handshake message (HandshakeType in RFC 8446 §4).
type MessageType uint8

// The types of TLS 1.2 and 1.3.
const (
	TypeHelloRequest          MessageType = 0 // RFC 5246 §7.4.1.1
	TypeClientHello           MessageType = 1
	TypeServerHello           MessageType = 2
	TypeNewSessionTicket      MessageType = 4
	TypeEndOfEarlyData        MessageType = 5
	TypeEncryptedExtensions   MessageType = 8
	TypeCertificate           MessageType = 11
	TypeServerKeyExchange     MessageType = 12 // RFC 5246 §7.4.3
	TypeCertificateRequest    MessageType = 13
	TypeServerHelloDone       MessageType = 14 // RFC 5246 §7.4.5
	TypeCertificateVerify     MessageType = 15
	TypeClientKeyExchange     MessageType = 16 // RFC 5246 §7.4.7
	TypeFinished              MessageType = 20
	TypeCertificateStatus     MessageType = 22 // RFC 6066 §8
	TypeKeyUpdate             MessageType = 24
	TypeCompressedCertificate MessageType = 25 // RFC 8879 §4
	TypeMessageHash           MessageType = 254
)

var typeNames = map[MessageType]string{
	TypeHelloRequest:          "hello_request",
	TypeClientHello:           "client_hello",
	TypeServerHello:           "server_hello",
	TypeNewSessionTicket:      "new_session_ticket",
	TypeEndOfEarlyData:        "end_of_early_data",
	TypeEncryptedExtensions:   "encrypted_extensions",
	TypeCertificate:           "certificate",
	TypeServerKeyExchange:     "server_key_exchange",
	TypeCertificateRequest:    "certificate_request",
	TypeServerHelloDone:       "server_hello_done",
	TypeCertificateVerify:     "certificate_verify",
	TypeClientKeyExchange:     "client_key_exchange",
	TypeFinished:              "finished",
	TypeCertificateStatus:     "certificate_status",
	TypeKeyUpdate:             "key_update",
	TypeCompressedCertificate: "compressed_certificate",
	TypeMessageHash:           "message_hash",
}

// String returns the name of the RFC, or "handshake type 99".
func (t MessageType) String() string {
	return cmp.Or(typeNames[t], "handshake type "+strconv.Itoa(int(t)))
}
