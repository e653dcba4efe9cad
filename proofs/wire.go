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

// Decode reads the wire form of any canoto message that came from outside. The
// input may have at most limit bytes and may make the decoder allocate at most
// eight times as much.
func Decode(m wireMessage, b []byte, limit int) error {
	if len(b) > limit {
		return fmt.Errorf("got %d bytes, want at most %d: %w", len(b), limit, ErrTooLarge)
	}
	_, err := m.UnmarshalCanotoFrom(canoto.Reader{B: b, MemoryRemaining: 8*uint64(len(b)) + 4096, DepthLimit: maxDepth})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}
