package proofs

//go:generate go tool -modfile=../tools/go.mod canoto --import=github.com/isthmus-network/isthmus/internal/canoto $GOFILE

import (
	"fmt"

	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// Bounds of one slice.
const (
	MaxSliceBytes    = 4 << 20
	MaxSliceMessages = 10_000
)

// Slice carries part of one queue: the certified header, the queue's head under
// it, and the messages [Start, Start+len(Messages)). Right is the compact range
// of what follows them up to the head's end; it is empty when they reach it, so
// that such a slice carries no Merkle proof at all: the receiver appends the
// messages to the compact range of what it has consumed and compares roots. A
// slice that shows the head only has no messages, no Right and no Left; its Start
// is not read.
//
// Left is empty but in a slice that shows another history: it is the compact range
// of [0, Start) as its network certified it, which is not the one that the reader
// consumed.
type Slice struct {
	Header   CertifiedHeader `canoto:"value,1"`
	Proof    HeadProof       `canoto:"value,2"`
	Start    uint64          `canoto:"uint,3"`
	Messages []Message       `canoto:"repeated value,4"`
	Right    []Hash          `canoto:"repeated fixed bytes,5"`
	Left     []Hash          `canoto:"repeated fixed bytes,6"`

	canotoData canotoData_Slice
}

// VerifiedSlice holds messages that their network certified for the reader, in
// order, starting exactly where the reader had stopped.
type VerifiedSlice struct {
	head     *VerifiedHead
	messages []Message
	consumed merkle.Range
}

// Head returns the certified head of the queue.
func (v *VerifiedSlice) Head() *VerifiedHead { return v.head }

// Messages returns the new messages; the first has the index at which the reader
// had stopped. The caller must not change them.
func (v *VerifiedSlice) Messages() []Message { return v.messages }

// Consumed returns the compact range of the queue after these messages.
func (v *VerifiedSlice) Consumed() merkle.Range { return v.consumed.Clone() }

// VerifyMessages checks the messages of s against the certified head. consumed is
// the compact range [0, n) of what the reader has taken of this incarnation; the
// part of s below n is skipped unread, and what follows it is verified.
//
// The reader has compared before: the head's incarnation with its own, and the
// header with the newest one it has taken a head from. An older certified head,
// which anybody may replay, also ends before n: it is stale and no divergence.
//
// Errors: ErrGap if s begins after n; ErrStale if it ends at or before n although
// it has messages; ErrDiverged if the certified queue ends before n, or reaches
// just n with another root, or Left shows another history up to n under the
// certified root: the peer's history is not the one that was consumed;
// ErrIndex, ErrTooLarge, ErrMalformed, ErrNetwork, ErrDestination,
// ErrIncarnation for a message out of place; ErrVersion; ErrNotCanon for a slice
// that has a Right or a Left and no messages, or a Left that shows no other
// history; ErrBranch and ErrRoot if anything was changed, omitted or reordered;
// merkle.ErrRange if consumed does not begin at 0.
func (v *VerifiedHead) VerifyMessages(s *Slice, consumed merkle.Range) (*VerifiedSlice, error) {
	n, h := consumed.End(), &v.head
	if consumed.Begin() != 0 {
		return nil, fmt.Errorf("consumed: got a range that begins at %d, want 0: %w", consumed.Begin(), merkle.ErrRange)
	}
	if hashes := len(s.Right) + len(s.Left); len(s.Messages) == 0 && hashes != 0 {
		return nil, fmt.Errorf("slice without messages: got %d hashes, want none: %w", hashes, ErrNotCanon)
	}
	if h.End < n {
		return nil, fmt.Errorf("queue of %s ends at %d, consumed up to %d: %w", v.source.Short(), h.End, n, ErrDiverged)
	}
	if h.End == n {
		return v.verifyEnd(s, consumed)
	}
	if len(s.Messages) == 0 {
		return &VerifiedSlice{head: v, consumed: consumed.Clone()}, nil
	}
	if err := v.checkSpan(s, n); err != nil {
		return nil, err
	}
	after, err := v.appendMessages(s, consumed)
	if err != nil {
		return nil, err
	}
	whole := after.Clone()
	if err := joinRight(&whole, s.Right, h.End); err != nil {
		return nil, err
	}
	if err := matchRoot(&whole, h.Root); err != nil {
		if len(s.Left) > 0 {
			err = v.otherHistory(s, consumed)
		}
		return nil, fmt.Errorf("queue of %s, messages [%d, %d): %w", v.source.Short(), n, after.End(), err)
	}
	if len(s.Left) > 0 {
		return nil, fmt.Errorf("slice from %d: the history on its left is the one that was consumed: %w", s.Start, ErrNotCanon)
	}
	return &VerifiedSlice{head: v, messages: s.Messages[n-s.Start:], consumed: after}, nil
}

// otherHistory tells whether the certified root is over another history than what
// was consumed, ErrDiverged, or the slice is not what was certified, ErrRoot.
func (v *VerifiedHead) otherHistory(s *Slice, consumed merkle.Range) error {
	n := consumed.End()
	if s.Start != n {
		return fmt.Errorf("left of the slice: got [0, %d), want [0, %d): %w", s.Start, n, ErrNotCanon)
	}
	left, err := merkle.ParseRange(0, n, s.Left)
	if err != nil {
		return fmt.Errorf("left of the slice: %w: %w", ErrBranch, err)
	}
	whole, err := v.appendMessages(s, left)
	if err != nil {
		return err
	}
	if err := joinRight(&whole, s.Right, v.head.End); err != nil {
		return err
	}
	if err := matchRoot(&whole, v.head.Root); err != nil {
		return err
	}
	return fmt.Errorf("certified is another history of [0, %d) than the one consumed: %w", n, ErrDiverged)
}

// verifyEnd handles a head that has nothing new: its root must be ours.
func (v *VerifiedHead) verifyEnd(s *Slice, consumed merkle.Range) (*VerifiedSlice, error) {
	if err := matchRoot(&consumed, v.head.Root); err != nil {
		return nil, fmt.Errorf("queue of %s at index %d: %w: %w", v.source.Short(), consumed.End(), ErrDiverged, err)
	}
	if len(s.Messages) > 0 {
		return nil, fmt.Errorf("slice [%d, %d): consumed up to %d: %w", s.Start, s.Start+uint64(len(s.Messages)), consumed.End(), ErrStale)
	}
	return &VerifiedSlice{head: v, consumed: consumed.Clone()}, nil
}

func (v *VerifiedHead) checkSpan(s *Slice, n uint64) error {
	end := s.Start + uint64(len(s.Messages))
	switch {
	case len(s.Messages) > MaxSliceMessages:
		return fmt.Errorf("slice: got %d messages, want at most %d: %w", len(s.Messages), MaxSliceMessages, ErrTooLarge)
	case end < s.Start || end > v.head.End:
		return fmt.Errorf("slice [%d, %d): queue ends at %d: %w", s.Start, end, v.head.End, ErrIndex)
	case s.Start > n:
		return fmt.Errorf("slice [%d, %d): consumed up to %d: %w", s.Start, end, n, ErrGap)
	case end <= n:
		return fmt.Errorf("slice [%d, %d): consumed up to %d: %w", s.Start, end, n, ErrStale)
	}
	return nil
}

// appendMessages checks the place of each new message and adds its leaf.
func (v *VerifiedHead) appendMessages(s *Slice, consumed merkle.Range) (merkle.Range, error) {
	after, l := consumed.Clone(), new(Layout)
	for i := consumed.End() - s.Start; i < uint64(len(s.Messages)); i++ {
		m := &s.Messages[i]
		if err := v.checkPlace(m, s.Start+i); err != nil {
			return merkle.Range{}, err
		}
		if err := after.Append(m.id(l), nil); err != nil {
			return merkle.Range{}, err
		}
	}
	return after, nil
}

func (v *VerifiedHead) checkPlace(m *Message, index uint64) error {
	switch {
	case m.Source != v.source:
		return fmt.Errorf("message %d: got source %s, want %s: %w", index, m.Source.Short(), v.source.Short(), ErrNetwork)
	case m.Destination != v.head.Peer:
		return fmt.Errorf("message %d: got destination %s, want %s: %w", index, m.Destination.Short(), v.head.Peer.Short(), ErrDestination)
	case m.Incarnation != v.head.Incarnation:
		return fmt.Errorf("message %d: got incarnation %d, want %d: %w", index, m.Incarnation, v.head.Incarnation, ErrIncarnation)
	case m.Index != index:
		return fmt.Errorf("message: got index %d, want %d: %w", m.Index, index, ErrIndex)
	case m.Kind == KindRefund:
		return fmt.Errorf("message %d: a refund never crosses networks: %w", index, ErrMalformed)
	}
	return m.Validate()
}

// joinRight completes r to [0, end) with the prover's compact range.
func joinRight(r *merkle.Range, nodes []Hash, end uint64) error {
	right, err := merkle.ParseRange(r.End(), end, nodes)
	if err != nil {
		return fmt.Errorf("right of the slice: %w: %w", ErrBranch, err)
	}
	return r.Join(right, nil)
}

func matchRoot(r *merkle.Range, want Hash) error {
	got, err := r.Root()
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("root: got %x, want %x: %w", got[:4], want[:4], ErrRoot)
	}
	return nil
}

// DecodeSlice reads the wire form of a slice, within MaxSliceBytes.
func DecodeSlice(b []byte) (*Slice, error) {
	var s Slice
	if err := Decode(&s, b, MaxSliceBytes); err != nil {
		return nil, fmt.Errorf("slice: %w", err)
	}
	return &s, nil
}
