package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/internal/prooftest"
)

// counted is a byte string that carries its length.
type counted []byte

// layout is "isthmus1" ‖ network ‖ type ‖ parts: integers big-endian, byte slices
// as they are, counted ones with a 32-bit length before them.
func layout(network proofs.NetworkID, kind byte, parts ...any) []byte {
	b := append([]byte("isthmus1"), network[:]...)
	b = append(b, kind)
	for _, p := range parts {
		switch v := p.(type) {
		case uint8:
			b = append(b, v)
		case uint32:
			b = integer(b, uint64(v), 4)
		case uint64:
			b = integer(b, v, 8)
		case []byte:
			b = append(b, v...)
		case counted:
			b = append(integer(b, uint64(len(v)), 4), v...)
		default:
			panic(fmt.Sprintf("layout: %T", p))
		}
	}
	return b
}

func integer(b []byte, v uint64, size int) []byte {
	for i := size - 1; i >= 0; i-- {
		b = append(b, byte(v>>(8*i)))
	}
	return b
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

func leaf(b []byte) string { return sum(append([]byte{0}, b...)) }

func hexOf(b []byte) string { return hex.EncodeToString(b) }

func memberLayout(members []proofs.Validator) []byte {
	parts := []any{uint32(len(members))}
	for i := range members {
		m := &members[i]
		parts = append(parts, m.Node[:], m.Key[:], m.Weight, m.Possession[:])
	}
	return layout(proofs.NetworkID{}, 0x03, parts...)
}

func zeroLayout(z *proofs.ZeroHeader) []byte {
	p := &z.Parameters
	set := sha256.Sum256(memberLayout(z.Validators))
	return layout(proofs.NetworkID{}, 0x01, z.Version, z.Time,
		counted(p.Name), counted(p.Symbol), p.Decimals, p.EpochDuration, p.TrustPeriod, p.MaxClockDrift, p.Heartbeat, p.ViewTimeout,
		p.MaxLag, p.ExpiryWindow, p.MessageLifetime, p.BlockMessages, p.BlockGas, p.BaseFee, p.ByteFee, p.GasPrice, p.LinkWindow,
		p.MaxPayload, p.ThresholdNum, p.ThresholdDen, set[:], z.StateRoot[:])
}

func headerLayout(h *proofs.Header) []byte {
	return layout(h.Network, 0x02, h.Version, h.Epoch, h.SetHash[:], h.Height, h.Parent[:], h.PreviousKeyHeight, h.CutRoot[:],
		h.Time, h.Executed, h.ExecutedTime, h.StateRoot[:], h.OutboundRoot[:], h.ReceiptRoot[:], h.ReceiptSize, h.NextSetHash[:])
}

func voteLayout(network proofs.NetworkID, v *proofs.Vote) []byte {
	if v.Kind == proofs.TypeNullify {
		return layout(network, byte(v.Kind), v.Epoch, v.SetHash[:], v.View)
	}
	return layout(network, byte(v.Kind), v.Epoch, v.SetHash[:], v.View, v.ParentView, v.Header[:])
}

func headLayout(network proofs.NetworkID, q *proofs.QueueHead) []byte {
	parts := []any{q.Peer[:], q.Incarnation, q.Begin, q.End, q.Root[:], q.Acked, q.Settled, uint32(len(q.Outcomes))}
	for i := range q.Outcomes {
		parts = append(parts, q.Outcomes[i].Index, uint32(q.Outcomes[i].Code))
	}
	return layout(network, 0x31, parts...)
}

func messageLayout(m *proofs.Message) []byte {
	return layout(m.Source, 0x30, m.Version, m.Destination[:], m.Incarnation, m.Index, uint8(m.Kind), m.Sender[:], m.Recipient[:],
		m.Asset[:], m.Amount[:], m.Gas, m.Deadline, m.Emitted, m.Cause[:], counted(m.Payload))
}

func receiptLayout(network proofs.NetworkID, r *proofs.Receipt) []byte {
	parts := []any{uint8(r.Kind), r.ID[:], r.Body[:], r.Source[:], r.Incarnation, r.Index, r.Height, r.Time, uint32(r.Code), r.Gas,
		r.Fee[:], uint32(len(r.Emitted))}
	for i := range r.Emitted {
		e := &r.Emitted[i]
		parts = append(parts, e.Destination[:], e.Incarnation, e.Index, e.ID[:])
	}
	return layout(network, 0x33, parts...)
}

// alpha founds the network of the vectors, with three validators of unequal
// weight.
func alpha() *prooftest.Network {
	return prooftest.NewNetwork("alpha", prooftest.Seat{Keys: 1, Weight: 3}, prooftest.Seat{Keys: 2, Weight: 2}, prooftest.Seat{Keys: 3, Weight: 2})
}

// reader is the network that slices of the vectors are for.
var reader = prooftest.Peer(0x22)
