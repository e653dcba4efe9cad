package admission

import (
	"fmt"

	"github.com/isthmus-network/isthmus/proofs"
)

// Why a message is not taken in, besides the errors of proofs (ErrTooLarge,
// ErrMalformed, ErrNetwork, ErrSignature), which mean that it never will be.
const (
	// ErrDuplicate: its body is known. The error is a *DuplicateError.
	ErrDuplicate proofs.Error = "duplicate message"
	// ErrExpired: its expiry has passed.
	ErrExpired proofs.Error = "message expired"
	// ErrTooFar: its expiry is further away than the network's expiry window.
	ErrTooFar proofs.Error = "expiry too far ahead"
	// ErrBusy: its sender has as many messages under way as one may have. Retry.
	ErrBusy proofs.Error = "too many messages of this sender under way"
	// ErrFull: the pool is full. Retry, or ask another validator.
	ErrFull proofs.Error = "pool is full"
)

// DuplicateError names the message that has the same body.
type DuplicateError struct {
	ID    proofs.Hash // zero if it is known only as executed
	Body  proofs.Hash
	Stage Stage
}

func (e *DuplicateError) Error() string {
	if e.ID == (proofs.Hash{}) {
		return fmt.Sprintf("%s: body %x is executed", ErrDuplicate, e.Body[:8])
	}
	return fmt.Sprintf("%s: body %x is that of message %x, which is %s", ErrDuplicate, e.Body[:8], e.ID[:8], e.Stage)
}

// Is makes errors.Is(err, ErrDuplicate) true.
func (e *DuplicateError) Is(target error) bool { return target == ErrDuplicate }
