package node

import (
	"testing"

	"github.com/isthmus-network/isthmus/proofs"
)

// A value crosses from one network to another, and home again.
func TestValueCrosses(t *testing.T) {
	t.Parallel()
	a, b := startNetwork(t, "a", nil), startNetwork(t, "b", nil)
	link(a, b)
	a.crossed(a.submit(1, a.transfer(0, b.zero, 2, 500)), b)
	voucher := proofs.NativeAsset.Abroad(a.zero.ID)
	if got := b.balance(3, b.account(2), voucher); got != proofs.NewAmount(500) {
		t.Errorf("vouchers at b: got %s, want 500", got)
	}
	home := b.transfer(2, a.zero, 3, 200)
	home.Transfer.Asset = voucher
	home.Sign(b.accounts[2])
	before := a.balance(0, a.account(3), proofs.NativeAsset)
	b.crossed(b.submit(2, home), a)
	want, _ := before.Add(proofs.NewAmount(200))
	if got := a.balance(0, a.account(3), proofs.NativeAsset); got != want {
		t.Errorf("at home: got %s, want %s", got, want)
	}
	a.settled()
	b.settled()
}
