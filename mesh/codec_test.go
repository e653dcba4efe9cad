package mesh

import (
	"bytes"
	"errors"
	"testing"

	"github.com/isthmus-network/isthmus/proofs"
)

// FuzzStateValues: whatever a decoder of state values accepts encodes to the same
// bytes again, and what it refuses is ErrCorrupt.
func FuzzStateValues(f *testing.F) {
	rec := &record{
		state: Active, paused: true, incarnation: 1, window: 2, gasRate: 3, period: 4, drift: 5,
		trust: trustPoint{epoch: 6, keyHeight: 7, keyID: proofs.Hash{8}, time: 9, setHash: proofs.Hash{10}},
	}
	f.Add(rec.encode())
	f.Add((&remote{incarnation: 1, height: 2, id: proofs.Hash{3}, end: 4}).encode())
	f.Add((&refund{account: proofs.AccountID{1}, amount: proofs.NewAmount(2), deadline: 3}).encode())
	f.Add((&Flow{Sent: proofs.NewAmount(1)}).encode())
	f.Add((&seen{id: proofs.Hash{1}, index: 2}).encode())
	f.Add(encodeCode(proofs.CodeClaim))
	f.Add(encodeU64(7))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		again(t, b, decodeRecord, (*record).encode)
		again(t, b, decodeRemote, (*remote).encode)
		again(t, b, decodeRefund, (*refund).encode)
		again(t, b, decodeFlow, (*Flow).encode)
		again(t, b, decodeSeen, (*seen).encode)
		again(t, b, decodeCode, encodeCode)
		again(t, b, decodeU64, encodeU64)
		again(t, b, decodeSet, encodeSet)
	})
}

func again[T any](t *testing.T, b []byte, decode func([]byte) (T, error), encode func(T) []byte) {
	t.Helper()
	v, err := decode(b)
	if err != nil {
		if !errors.Is(err, ErrCorrupt) {
			t.Fatalf("refused with %v", err)
		}
		return
	}
	if got := encode(v); !bytes.Equal(got, b) {
		t.Fatalf("%T: %x became %x", v, b, got)
	}
}
