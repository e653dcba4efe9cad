package api

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	"github.com/isthmus-network/isthmus/proofs"
)

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

// classes lists each class that crosses the wire with its code of connect, both
// ways; the first of a code is the one it comes back as.
var classes = []struct {
	class Error
	code  connect.Code
}{
	{ErrInvalid, connect.CodeInvalidArgument},
	{ErrNotFound, connect.CodeNotFound},
	{ErrUnavailable, connect.CodeUnavailable},
	{ErrBusy, connect.CodeResourceExhausted},
	{ErrTimeout, connect.CodeDeadlineExceeded},
	{ErrRefused, connect.CodeFailedPrecondition},
	{ErrDuplicate, connect.CodeAlreadyExists},
	{ErrExpired, connect.CodeOutOfRange},
	{ErrInternal, connect.CodeInternal},

	{ErrRefused, connect.CodePermissionDenied},
	{ErrRefused, connect.CodeUnauthenticated},
	{ErrRefused, connect.CodeAborted},
	{ErrUnavailable, connect.CodeUnimplemented}, // something else listens there
}

// proofClasses says what the errors of proofs mean to whoever sent the bytes.
var proofClasses = map[proofs.Error]Error{
	proofs.ErrEpoch: ErrRefused, proofs.ErrStale: ErrRefused, proofs.ErrGap: ErrRefused,
	proofs.ErrVersion: ErrRefused, proofs.ErrClock: ErrRefused, proofs.ErrExpired: ErrExpired,
	proofs.ErrDiverged: ErrRefused, proofs.ErrEquivocation: ErrRefused,
}

// ClassOf returns the class of an error: that of this package in its chain, or
// what a kind of proofs or a context's error amounts to. Unknown ones are
// ErrInternal; nil is the empty class.
func ClassOf(err error) Error {
	var class Error
	var kind proofs.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &class):
		return class
	case errors.As(err, &kind):
		if c, ok := proofClasses[kind]; ok {
			return c
		}
		return ErrInvalid
	case errors.Is(err, context.DeadlineExceeded):
		return ErrTimeout
	}
	return ErrInternal
}

// toWire maps an error of a backend to what the client is told. Internal errors
// lose their text: it is for the node's log.
func toWire(err error) *connect.Error {
	if errors.Is(err, context.Canceled) {
		return connect.NewError(connect.CodeCanceled, context.Canceled)
	}
	class := ClassOf(err)
	for _, c := range classes {
		if c.class == class && class != ErrInternal {
			return connect.NewError(c.code, err)
		}
	}
	return connect.NewError(connect.CodeInternal, ErrInternal)
}

// remoteError is what a node answered: its words and their class.
type remoteError struct {
	class Error
	text  string
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.class }

// fromWire maps what connect returned to the classes of this package. Errors that
// are no answer of a node, such as a refused connection, come as the same codes.
func fromWire(err error) error {
	if err == nil {
		return nil
	}
	code := connect.CodeOf(err)
	if code == connect.CodeCanceled {
		return context.Canceled
	}
	msg := err.Error()
	var ce *connect.Error
	if errors.As(err, &ce) {
		msg = ce.Message()
	}
	for _, c := range classes {
		if c.code == code {
			return &remoteError{class: c.class, text: printable(msg, maxText)}
		}
	}
	return &remoteError{class: ErrInternal, text: printable(msg, maxText)}
}

// ExitCode returns the exit code of a command that ended with err: 0 for nil, 130
// for an interrupt, otherwise the one in brackets at the class.
func ExitCode(err error) int {
	if errors.Is(err, context.Canceled) {
		return 130
	}
	switch ClassOf(err) {
	case "":
		return 0
	case ErrInvalid:
		return 2
	case ErrProof:
		return 3
	case ErrNotFound:
		return 4
	case ErrUnavailable, ErrBusy, ErrTimeout:
		return 5
	case ErrRefused, ErrDuplicate, ErrExpired:
		return 6
	case ErrKeyInUse:
		return 7
	case ErrFailed:
		return 8
	}
	return 1
}
