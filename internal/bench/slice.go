package bench

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// Slice is what one slice of a network with four validators takes to verify on one
// core, from the first message of its queue to the last.
type Slice struct {
	Messages int `json:"messages"`
	// VerifyMicros is for the header (one pairing), the queue head and all messages;
	// DecodeMicros is for reading the wire form before that. Medians.
	VerifyMicros float64 `json:"verify_us"`
	DecodeMicros float64 `json:"decode_us"`
	// ProofBytes is the slice's wire form without its messages: what proves them.
	// FramingBytes is the tag and the length before each message, which any list of
	// messages needs.
	ProofBytes   int `json:"proof_bytes"`
	FramingBytes int `json:"framing_bytes"`
	WireBytes    int `json:"wire_bytes"` // all of it
}

// sliceTime is how long one figure is measured for.
const sliceTime = 500 * time.Millisecond

// MeasureSlices measures a slice of each number of messages.
func MeasureSlices(ctx context.Context, sizes ...int) ([]Slice, error) {
	n, err := newLink()
	if err != nil {
		return nil, err
	}
	var out []Slice
	for _, size := range sizes {
		wire, s, err := n.slice(size)
		if err != nil {
			return nil, fmt.Errorf("make a slice of %d: %w", size, err)
		}
		if s.DecodeMicros, s.VerifyMicros, err = n.measure(ctx, wire); err != nil {
			return nil, fmt.Errorf("verify a slice of %d: %w", size, err)
		}
		out = append(out, s)
	}
	return out, nil
}

// link is a network and the reader of one of its queues.
type link struct {
	zero   *proofs.Zero
	signs  committee
	trust  proofs.Trust
	reader proofs.NetworkID
	clock  proofs.Clock
}

func newLink() (*link, error) {
	var seats []seat
	for i := range 4 {
		s, err := newSeat(i)
		if err != nil {
			return nil, err
		}
		seats = append(seats, s)
	}
	c := newCommittee(seats)
	zero, err := found(c)
	if err != nil {
		return nil, err
	}
	return &link{zero: zero, signs: c, trust: proofs.NewTrust(zero), reader: sha256.Sum256([]byte("reader")),
		clock: proofs.Clock{Now: zero.Time + 2000}}, nil
}

// message is a transfer as users send them, with a short memo.
func (l *link) message(i uint64) proofs.Message {
	id := func(what string) [32]byte { return sha256.Sum256(binary.BigEndian.AppendUint64([]byte(what), i)) }
	return proofs.Message{
		Version: proofs.Version, Source: l.zero.ID, Destination: l.reader, Incarnation: 1, Index: i, Kind: proofs.KindTransfer,
		Sender: id("sender"), Recipient: id("recipient"), Asset: proofs.NewAssetID(l.zero.ID, proofs.Hash{}), Amount: proofs.NewAmount(1_000_000 + i),
		Gas: 50_000, Deadline: l.zero.Time + 3_600_000, Emitted: l.zero.Time, Cause: id("cause"), Payload: fmt.Appendf(nil, "invoice %d", i),
	}
}

// slice makes the wire form of a slice that is all of a queue of size messages.
func (l *link) slice(size int) ([]byte, Slice, error) {
	var s proofs.Slice
	var queue merkle.Range
	alone := 0
	for i := range uint64(size) {
		m := l.message(i)
		if err := queue.Append(m.ID(), nil); err != nil {
			return nil, Slice{}, err
		}
		s.Messages = append(s.Messages, m)
		alone += len(m.MarshalCanoto())
	}
	root, err := queue.Root()
	if err != nil {
		return nil, Slice{}, err
	}
	heads := []proofs.QueueHead{{Peer: l.reader, Incarnation: 1, End: queue.End(), Root: root}}
	proof, err := proofs.ProveHead(l.zero.ID, heads, l.reader)
	if err != nil {
		return nil, Slice{}, err
	}
	s.Proof = *proof
	if s.Header, err = l.header(heads); err != nil {
		return nil, Slice{}, err
	}
	whole := s.MarshalCanoto()
	s.Messages = nil
	head := len(s.MarshalCanoto())
	return whole, Slice{Messages: size, ProofBytes: head, FramingBytes: len(whole) - alone - head, WireBytes: len(whole)}, nil
}

// header certifies heads.
func (l *link) header(heads []proofs.QueueHead) (ch proofs.CertifiedHeader, err error) {
	h := &ch.Header
	h.Version, h.Network, h.SetHash, h.Height, h.Time = proofs.Version, l.zero.ID, l.signs.hash(), 2, l.zero.Time+1000
	h.Parent, h.CutRoot, h.StateRoot, h.ReceiptRoot = proofs.Hash{1}, proofs.Hash{2}, proofs.Hash{3}, merkle.EmptyRoot()
	h.Executed, h.ExecutedTime = 1, l.zero.Time+500
	if h.OutboundRoot, err = proofs.OutboundRoot(l.zero.ID, h.ExecutedTime, heads); err != nil {
		return ch, err
	}
	ch.Certificate, err = l.signs.finalize(h)
	return ch, err
}

// measure returns the medians of decoding and verifying, in µs.
func (l *link) measure(ctx context.Context, wire []byte) (decode, verify float64, err error) {
	var decodes, verifies []time.Duration
	for end := time.Now().Add(sliceTime); time.Now().Before(end) || len(verifies) < 5; {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		began := time.Now()
		s, err := proofs.DecodeSlice(wire)
		if err != nil {
			return 0, 0, err
		}
		decoded := time.Now()
		if err := l.verify(s); err != nil {
			return 0, 0, err
		}
		decodes, verifies = append(decodes, decoded.Sub(began)), append(verifies, time.Since(decoded))
	}
	return median(decodes), median(verifies), nil
}

// verify is the whole way of a slice after decoding.
func (l *link) verify(s *proofs.Slice) error {
	header, err := l.trust.VerifyHeader(&s.Header, l.clock)
	if err != nil {
		return err
	}
	head, err := header.VerifyHead(&s.Proof, l.reader)
	if err != nil {
		return err
	}
	_, err = head.VerifyMessages(s, merkle.Range{})
	return err
}

// median in µs, to a tenth.
func median(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2].Nanoseconds()/100) / 10
}
