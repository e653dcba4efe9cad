package proofs

import (
	"fmt"

	"github.com/isthmus-network/isthmus/internal/canoto"
)

// wireMessage is what canoto generates methods for.
type wireMessage interface {
	UnmarshalCanotoFrom(canoto.Reader) (canoto.UnmarshalResult, error)
}

// maxDepth bounds the nesting of wire messages: the deepest is slice → header →
// certificate → aggregate.
const maxDepth = 8

// What decoding may allocate: memoryFactor bytes for each byte of input, and
// memoryBase. The first covers every honest message whose elements carry
// content; the second the one that may be mostly empty: the cut of a new epoch,
// where a tip takes four or five bytes on the wire and 56 in memory, for each of
// MaxValidators lanes.
const (
	memoryFactor = 8
	memoryBase   = 64 << 10
)

// Decode reads the wire form of any canoto message that came from outside. The
// input may have at most limit bytes and may make the decoder allocate at most
// eight times as much and 64 KiB. Errors: ErrTooLarge, ErrMalformed.
func Decode(m wireMessage, b []byte, limit int) error {
	if len(b) > limit {
		return fmt.Errorf("got %d bytes, want at most %d: %w", len(b), limit, ErrTooLarge)
	}
	_, err := m.UnmarshalCanotoFrom(canoto.Reader{B: b, MemoryRemaining: memoryFactor*uint64(len(b)) + memoryBase, DepthLimit: maxDepth})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}
