package store

import (
	"errors"
	"fmt"
)

var (
	// ErrNotFound: no value is stored under the key.
	ErrNotFound = errors.New("store: not found")
	// ErrClosed: the store, log or record was closed.
	ErrClosed = errors.New("store: closed")
	// ErrCorrupt: stored bytes are not what was written, and not merely a torn tail.
	// The operator must repair or restore; nothing is dropped silently.
	ErrCorrupt = errors.New("store: corrupt")
	// ErrTooLarge: a record exceeds the log's limit.
	ErrTooLarge = errors.New("store: record too large")
	// ErrConflict: the slot is taken by another digest: signing would be a second vote.
	ErrConflict = errors.New("store: conflicting vote refused")
	// ErrPruned: the slot lies below the record's floor and can never be signed again.
	ErrPruned = errors.New("store: slot below the signing floor")
	// ErrLocked: another process (or another handle of this one) holds the directory:
	// two copies of one key.
	ErrLocked = errors.New("store: locked by another process")
	// ErrFailed: an earlier write or sync failed, so what is on disk is unknown. The
	// handle refuses all further writes; reopen to continue.
	ErrFailed = errors.New("store: failed earlier")
)

// CorruptError names where stored bytes are wrong. It matches ErrCorrupt.
type CorruptError struct {
	File   string
	Offset int64 // bytes from the start of File
	Reason string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("store: corrupt: %s at offset %d: %s", e.File, e.Offset, e.Reason)
}

// Is makes errors.Is(err, ErrCorrupt) hold.
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

// ConflictError is the refusal of a second vote: Slot already holds Have, and Want was
// asked for. It matches ErrConflict.
type ConflictError struct {
	Slot Slot
	Have [32]byte
	Want [32]byte
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("store: conflicting vote refused: %s is signed as %x, asked for %x", e.Slot, e.Have, e.Want)
}

// Is makes errors.Is(err, ErrConflict) hold.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// PrunedError is the refusal of a slot below the floor. It matches ErrPruned.
type PrunedError struct {
	Slot  Slot
	Floor uint64 // the lowest epoch that may still be signed
}

func (e *PrunedError) Error() string {
	return fmt.Sprintf("store: slot below the signing floor: %s, the floor is epoch %d", e.Slot, e.Floor)
}

// Is makes errors.Is(err, ErrPruned) hold.
func (e *PrunedError) Is(target error) bool { return target == ErrPruned }
