package proofs_test

import (
	"bytes"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/isthmus-network/isthmus/internal/canoto"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/internal/prooftest"
)

// mutations calls fn with every byte of wire changed in three ways, and with
// wire cut short and prolonged.
func mutations(wire []byte, fn func(at int, b []byte)) {
	for at := range wire {
		for _, x := range []byte{0x01, 0x80, 0xff} {
			b := bytes.Clone(wire)
			b[at] ^= x
			fn(at, b)
		}
	}
	for at := range wire {
		fn(at, bytes.Clone(wire[:at]))
	}
	fn(len(wire), append(bytes.Clone(wire), 0))
	fn(len(wire), append(bytes.Clone(wire), wire...))
}

// TestEveryByteOfSlice changes every byte of a slice's wire form: what still
// decodes does not verify. A slice cut right behind its proof, or its start, is
// the head alone: true, and nothing is consumed.
func TestEveryByteOfSlice(t *testing.T) {
	s := newScene()
	wire := s.slice.MarshalCanoto()
	same := s.slice.Header.MarshalCanoto()
	header, err := s.trust.VerifyHeader(&s.slice.Header, s.clock)
	ok(t, err)
	verify := func(slice *proofs.Slice) error {
		h := header
		if !bytes.Equal(slice.Header.MarshalCanoto(), same) { // spare the pairing where nothing changed
			if h, err = s.trust.VerifyHeader(&slice.Header, s.clock); err != nil {
				return err
			}
		}
		head, err := h.VerifyHead(&slice.Proof, s.reader)
		if err != nil {
			return err
		}
		_, err = head.VerifyMessages(slice, s.consumed)
		return err
	}
	decoded, err := proofs.DecodeSlice(wire)
	ok(t, err)
	ok(t, verify(decoded))
	headOnly := s.net.Slice(s.slice.Header, s.queue, 0, 0)
	atProof := headOnly.MarshalCanoto()
	headOnly.Start = s.slice.Start
	atStart := headOnly.MarshalCanoto()
	mutations(wire, func(at int, b []byte) {
		slice, err := proofs.DecodeSlice(b)
		if err != nil {
			return
		}
		if verify(slice) == nil && !bytes.Equal(b, atProof) && !bytes.Equal(b, atStart) {
			t.Errorf("byte %d: a changed slice verifies", at)
		}
	})
}

func TestEveryByteOfKeyBlock(t *testing.T) {
	n := prooftest.NewNetwork("gamma", prooftest.Even(1, 3)...)
	trust := n.Trust()
	kb := n.KeyBlock(prooftest.NewCommittee(prooftest.Even(2, 3)...))
	wire := kb.MarshalCanoto()
	verify := func(b []byte) error {
		var got proofs.KeyBlock
		if err := proofs.Decode(&got, b, 1<<16); err != nil {
			return err
		}
		_, _, err := trust.Advance(&got, n.Clock())
		return err
	}
	ok(t, verify(wire))
	for at := range wire { // one change for each byte: most of them cost a pairing
		b := bytes.Clone(wire)
		b[at] ^= 1 << (at % 8)
		if verify(b) == nil {
			t.Errorf("byte %d: a changed key block verifies", at)
		}
	}
}

func TestEveryByteOfZeroHeader(t *testing.T) {
	z := prooftest.ZeroHeader("alpha", prooftest.Even(1, 2)...)
	zero, err := z.Check()
	ok(t, err)
	wire := z.MarshalCanoto()
	verify := func(b []byte) error {
		var got proofs.ZeroHeader
		if err := proofs.Decode(&got, b, 1<<16); err != nil {
			return err
		}
		_, err := got.CheckID(zero.ID)
		return err
	}
	ok(t, verify(wire))
	for at := range wire {
		b := bytes.Clone(wire)
		b[at] ^= 1 << (at % 8)
		if verify(b) == nil {
			t.Errorf("byte %d: a changed zero-header has the same id", at)
		}
	}
}

// TestSecondEncoding: no value has two wire forms (rows Polygon Plasma 2021,
// determinism).
func TestSecondEncoding(t *testing.T) {
	tip := proofs.Outcome{Index: 3, Code: 2} // 08 03 10 02
	wire := tip.MarshalCanoto()
	if !bytes.Equal(wire, []byte{0x08, 3, 0x10, 2}) {
		t.Fatalf("got %x", wire)
	}
	var got proofs.Outcome
	ok(t, proofs.Decode(&got, wire, 16))
	for name, b := range map[string][]byte{
		"fields exchanged":  {0x10, 2, 0x08, 3},
		"field repeated":    {0x08, 3, 0x08, 3, 0x10, 2},
		"zero written":      {0x08, 0, 0x10, 2},
		"long varint":       {0x08, 0x83, 0x00, 0x10, 2},
		"unknown field":     {0x08, 3, 0x10, 2, 0x18, 1},
		"wrong wire type":   {0x09, 3, 0, 0, 0, 0, 0, 0, 0},
		"value over 32 bit": {0x08, 3, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
		"cut":               {0x08, 3, 0x10},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, proofs.Decode(&got, b, 16), proofs.ErrMalformed) })
	}
	wantError(t, proofs.Decode(&got, wire, 3), proofs.ErrTooLarge)
}

// TestMalformedResponse: odd lengths are errors, never panics (row malformed
// response).
func TestMalformedResponse(t *testing.T) {
	ok(t, proofs.Decode(new(proofs.Validator), validatorWire(96), 1<<10))
	for _, n := range []int{0, 1, 95, 97} {
		wantError(t, proofs.Decode(new(proofs.Validator), validatorWire(n), 1<<10), proofs.ErrMalformed)
	}
	empty, err := proofs.DecodeSlice(nil)
	ok(t, err)
	s := newScene()
	_, err = s.verifyDecoded(empty)
	wantError(t, err, proofs.ErrNetwork)
}

// validatorWire is a validator whose BLS key has n bytes.
func validatorWire(n int) []byte {
	return append([]byte{0x12, byte(n)}, bytes.Repeat([]byte{1}, n)...)
}

// TestDecodeMemory: honest slices of the largest size decode, and a hostile one
// that unpacks into much more memory does not.
func TestDecodeMemory(t *testing.T) {
	s := newScene()
	t.Run("most messages", func(t *testing.T) {
		q := prooftest.NewQueue(s.net.ID(), s.reader, proofs.MaxSliceMessages)
		s.slice.Messages = q.Messages
		for i := range q.Messages {
			q.Messages[i].Payload = nil
		}
		_, err := proofs.DecodeSlice(s.slice.MarshalCanoto())
		ok(t, err)
	})
	t.Run("most bytes", func(t *testing.T) {
		s.slice.Messages = s.slice.Messages[:63]
		for i := range s.slice.Messages {
			s.slice.Messages[i].Payload = make([]byte, proofs.MaxPayload)
		}
		wire := s.slice.MarshalCanoto()
		if len(wire) > proofs.MaxSliceBytes || len(wire) < proofs.MaxSliceBytes*9/10 {
			t.Fatalf("got %d bytes, want nearly %d", len(wire), proofs.MaxSliceBytes)
		}
		_, err := proofs.DecodeSlice(wire)
		ok(t, err)
		_, err = proofs.DecodeSlice(append(wire, make([]byte, proofs.MaxSliceBytes)...))
		wantError(t, err, proofs.ErrTooLarge)
	})
	t.Run("most outcomes", func(t *testing.T) {
		head := proofs.QueueHead{Peer: s.reader, Incarnation: 1, Settled: proofs.MaxOutcomes, Acked: proofs.MaxOutcomes}
		for i := range uint64(proofs.MaxOutcomes) {
			head.Outcomes = append(head.Outcomes, proofs.Outcome{Index: i, Code: 1})
		}
		ok(t, head.Validate())
		ok(t, proofs.Decode(new(proofs.QueueHead), head.MarshalCanoto(), proofs.MaxSliceBytes))
	})
	t.Run("largest set", func(t *testing.T) {
		var d proofs.SetDelta
		d.Upserted = make([]proofs.Validator, proofs.MaxValidators)
		m := prooftest.Member(prooftest.Seat{Keys: 1, Weight: 1})
		for i := range d.Upserted {
			d.Upserted[i] = m
		}
		ok(t, proofs.Decode(new(proofs.SetDelta), d.MarshalCanoto(), 1<<20))
	})
	t.Run("hostile", func(t *testing.T) {
		bomb := bytes.Repeat([]byte{0x22, 0}, proofs.MaxSliceBytes/2) // two million empty messages
		_, err := proofs.DecodeSlice(bomb[:200])
		ok(t, err) // so few fit
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, err := proofs.DecodeSlice(bomb)
		runtime.ReadMemStats(&after)
		wantError(t, err, canoto.ErrMemoryLimitExceeded)
		wantError(t, err, proofs.ErrMalformed)
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 1<<20 || got != nil {
			t.Errorf("got %d bytes allocated for a bomb", allocated)
		}
	})
}

// TestLargestFormsFit holds the bounds to the largest objects that can be valid.
func TestLargestFormsFit(t *testing.T) {
	const most = 1<<64 - 1
	full := proofs.Hash(bytes.Repeat([]byte{0xff}, 32))
	header := proofs.Header{
		Version: 1<<32 - 1, Network: proofs.NetworkID(full), Epoch: most, SetHash: full, Height: most, Parent: full, PreviousKeyHeight: most,
		CutRoot: full, Time: most, Executed: most, ExecutedTime: most, StateRoot: full, OutboundRoot: full, ReceiptRoot: full,
		ReceiptSize: most, NextSetHash: full,
	}
	certificate := proofs.Certificate{View: most, ParentView: most}
	certificate.Quorum.Bitmap = make([]byte, proofs.MaxValidators/8)
	certificate.Quorum.Signature[0] = 1
	member := proofs.Validator{Node: proofs.NodeKey(full), Weight: proofs.MaxTotalWeight}
	member.Key[0], member.Possession[0] = 1, 1
	members := slices.Repeat([]proofs.Validator{member}, proofs.MaxValidators)
	removed := slices.Repeat([]proofs.NodeKey{member.Node}, proofs.MaxValidators)

	zero := proofs.ZeroHeader{Version: 1, Time: most, Validators: members, StateRoot: full}
	zero.Parameters = prooftest.NewNetwork("alpha", prooftest.Even(1, 1)...).Zero.Parameters
	zero.Parameters.Name, zero.Parameters.Symbol = strings.Repeat("n", 32), strings.Repeat("S", 12)
	kb := proofs.KeyBlock{Header: header, Certificate: certificate, Next: proofs.SetDelta{Removed: removed, Upserted: members}}
	ch := proofs.CertifiedHeader{Header: header, Links: slices.Repeat([]proofs.Header{header}, proofs.MaxLinks), Certificate: certificate}
	for what, size := range map[string][2]int{
		"zero-header":      {len(zero.MarshalCanoto()), proofs.MaxZeroBytes},
		"key block":        {len(kb.MarshalCanoto()), proofs.MaxKeyBlockBytes},
		"certified header": {len(ch.MarshalCanoto()), proofs.MaxCertifiedHeaderBytes},
	} {
		if got, limit := size[0], size[1]; got > limit || got < limit/4 {
			t.Errorf("%s: the largest has %d bytes, and the bound is %d", what, got, limit)
		}
	}
	if got := len(header.MarshalCanoto()); got != 356 {
		t.Errorf("header: got %d bytes, want 356", got)
	}
}
