package proofs_test

import (
	"bytes"
	"testing"

	"github.com/isthmus-network/isthmus/internal/canoto"
	"github.com/isthmus-network/isthmus/proofs"
)

// message is what every wire type has.
type message interface {
	UnmarshalCanotoFrom(canoto.Reader) (canoto.UnmarshalResult, error)
	MarshalCanoto() []byte
}

// FuzzDecode: what decodes as any wire type encodes to the same bytes, and what
// can be asked of the value does not panic. The first byte chooses the type.
func FuzzDecode(f *testing.F) {
	for i, file := range []string{"header.json", "zero_header.json", "queue_head.json", "message.json", "receipt.json"} {
		for _, row := range load[object](f, file) {
			f.Add(append([]byte{byte(i)}, unhex(f, row.Wire)...))
		}
	}
	f.Add(append([]byte{5}, unhex(f, load[keyBlockRow](f, "key_block.json")[1].Wire)...))
	f.Add(append([]byte{6}, unhex(f, load[sliceRow](f, "slice.json")[0].Wire)...))
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) == 0 {
			return
		}
		m := []message{
			new(proofs.Header), new(proofs.ZeroHeader), new(proofs.QueueHead), new(proofs.Message), new(proofs.Receipt), new(proofs.KeyBlock),
			new(proofs.Slice), new(proofs.CertifiedHeader), new(proofs.HeadProof), new(proofs.SetDelta), new(proofs.Parameters),
		}[int(in[0])%11]
		if proofs.Decode(m, in[1:], 1<<20) != nil {
			return
		}
		if out := m.MarshalCanoto(); !bytes.Equal(out, in[1:]) {
			t.Fatalf("%T: %x encodes to %x", m, in[1:], out)
		}
		ask(m)
	})
}

// ask calls what needs no trust.
func ask(m message) {
	switch v := m.(type) {
	case *proofs.Header:
		v.ID()
	case *proofs.ZeroHeader:
		_, _ = v.Check()
	case *proofs.QueueHead:
		_ = v.Validate()
		v.Leaf(proofs.HomeNetwork)
	case *proofs.Message:
		_ = v.Validate()
		v.ID()
	case *proofs.Receipt:
		v.Leaf(proofs.HomeNetwork)
	}
}

// FuzzVerifySlice: whatever a carrier sends, verification ends without panic, and
// what it yields starts where the reader stopped and is a true part of the queue.
func FuzzVerifySlice(f *testing.F) {
	rows := load[sliceRow](f, "slice.json")
	for _, row := range rows {
		f.Add(unhex(f, row.Wire))
	}
	base := rows[0]
	trust, consumed := trustOf(f, base.Zero), base.consumed(f)
	s := scene{trust: trust, clock: proofs.Clock{Now: number(f, base.Now)}, reader: hash32(f, base.Reader), consumed: consumed}
	truth := rows[2] // the same reader, taken to the end
	f.Fuzz(func(t *testing.T, in []byte) {
		slice, err := proofs.DecodeSlice(in)
		if err != nil {
			return
		}
		v, err := s.verifyDecoded(slice)
		if err != nil {
			return
		}
		for i, id := range hashes(t, truth.Messages)[:len(v.Messages())] {
			if v.Messages()[i].ID() != id {
				t.Fatalf("message %d is another one", i)
			}
		}
	})
}

// FuzzAdvance: no key block moves the trust but a true one.
func FuzzAdvance(f *testing.F) {
	rows := load[keyBlockRow](f, "key_block.json")
	known := map[proofs.Hash]bool{}
	for _, row := range rows {
		f.Add(unhex(f, row.Wire))
		if row.NextSet != "" {
			known[hash32(f, row.NextSet)] = true
		}
	}
	trust := trustOf(f, rows[0].Zero)
	f.Fuzz(func(t *testing.T, in []byte) {
		var kb proofs.KeyBlock
		if proofs.Decode(&kb, in, 1<<16) != nil {
			return
		}
		next, _, err := trust.Advance(&kb, proofs.Clock{Now: number(t, rows[0].Now)})
		if err == nil && !known[next.Set.Hash()] {
			t.Fatalf("the trust moved to set %x", next.Set.Hash())
		}
	})
}

// FuzzAmount: text that parses prints to text that parses to the same.
func FuzzAmount(f *testing.F) {
	f.Add("0", uint8(0))
	f.Add("340282366920938463463374607431768211455", uint8(0))
	f.Add(".5", uint8(9))
	f.Add("1.000000001", uint8(9))
	f.Add("+1", uint8(0))
	f.Fuzz(func(t *testing.T, text string, decimals uint8) {
		a, err := proofs.ParseAmount(text, decimals)
		if err != nil {
			return
		}
		again, err := proofs.ParseAmount(a.Decimal(decimals), decimals)
		if err != nil || again != a {
			t.Fatalf("%q: %v prints as %q, which gives %v, %v", text, a, a.Decimal(decimals), again, err)
		}
	})
}
