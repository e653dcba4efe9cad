package api

// Error is a class of failures: what the caller does about it. Backends wrap one
// of the constants with what they got and what they wanted; callers on both sides
// of the wire use errors.Is.
type Error string

func (e Error) Error() string { return string(e) }

// The classes. The exit codes of the command line are those in brackets.
const (
	ErrInvalid     Error = "invalid request"      // [2] the bytes or arguments can never be accepted
	ErrProof       Error = "answer not proved"    // [3] what the node answered does not verify or decode
	ErrNotFound    Error = "not found"            // [4] here, now
	ErrUnavailable Error = "unavailable"          // [5] try again later or elsewhere
	ErrBusy        Error = "too busy"             // [5] back-pressure: try again later
	ErrTimeout     Error = "deadline passed"      // [5] of the request
	ErrRefused     Error = "refused"              // [6] a rule of the network or the node forbids it now
	ErrDuplicate   Error = "already there"        // [6] the body was admitted or executed before
	ErrExpired     Error = "expired"              // [6] its time has passed
	ErrKeyInUse    Error = "validator key in use" // [7] another process signs with this key
	ErrFailed      Error = "message failed"       // [8] executed with a code other than 0, or expired
	ErrInternal    Error = "internal error"       // [1]
)
