package mesh

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

func getAmount(rd Reader, key []byte) (proofs.Amount, error) {
	v, ok, err := rd.Get(key)
	if err != nil || !ok {
		return proofs.Amount{}, err
	}
	if len(v) != len(proofs.Amount{}) {
		return proofs.Amount{}, fmt.Errorf("amount under %q: got %d bytes: %w", key, len(v), ErrCorrupt)
	}
	return proofs.Amount(v), nil
}

// setAmount writes an amount; nothing has no entry.
func setAmount(st types.State, key []byte, a proofs.Amount) {
	if a.IsZero() {
		st.Delete(key)
		return
	}
	st.Set(key, a[:])
}

// move takes amount from one sum and adds it to the other; either key may be nil
// for a sum that is not kept. short and over say which sum does not allow it;
// then nothing has changed.
func move(st types.State, amount proofs.Amount, from, to []byte) (short, over bool, err error) {
	var less, more proofs.Amount
	if from != nil {
		have, err := getAmount(st, from)
		if err != nil {
			return false, false, err
		}
		var ok bool
		if less, ok = have.Sub(amount); !ok {
			return true, false, nil
		}
	}
	if to != nil {
		have, err := getAmount(st, to)
		if err != nil {
			return false, false, err
		}
		var ok bool
		if more, ok = have.Add(amount); !ok {
			return false, true, nil
		}
	}
	if from != nil {
		setAmount(st, from, less)
	}
	if to != nil {
		setAmount(st, to, more)
	}
	return false, false, nil
}

// mustMove is move where the rules have made sure that both sums allow it.
func mustMove(st types.State, what string, amount proofs.Amount, from, to []byte) error {
	short, over, err := move(st, amount, from, to)
	if err == nil && (short || over) {
		err = fmt.Errorf("%s: %s does not fit (short %t, over %t): %w", what, amount, short, over, ErrCorrupt)
	}
	return err
}

// escrow says where the value of an asset goes that leaves this network for peer:
// a home asset into the claim, a voucher of peer's own asset out of existence.
// Others cannot go there.
func (r *Rules) escrow(peer proofs.NetworkID, asset proofs.AssetID) (supply, claim []byte, ok bool) {
	switch asset.Origin() {
	case r.self.ID:
		home := asset.At(r.self.ID)
		return proofs.SupplyKey(home), proofs.ClaimKey(peer, home), true
	case peer:
		return proofs.SupplyKey(asset), nil, true
	}
	return nil, nil, false
}

// Receive puts the value of an inducted message into the supply and names its
// asset as this state does: a voucher of the sender's own asset is made, a home
// asset is released from the sender's claim. Unless the code is CodeOK nothing
// has changed.
func (r *Rules) Receive(st types.State, env Env, m *proofs.Message) (asset proofs.AssetID, code proofs.Code, err error) {
	origin := m.Asset.Origin()
	switch {
	case m.Kind != proofs.KindTransfer || m.Amount.IsZero():
		return asset, proofs.CodeMalformed, nil
	case origin != m.Source && origin != r.self.ID:
		return asset, proofs.CodeAsset, nil
	}
	supply, claim, _ := r.escrow(m.Source, m.Asset)
	short, over, err := move(st, m.Amount, claim, supply)
	switch {
	case err != nil:
		return asset, 0, err
	case short:
		return asset, proofs.CodeClaim, nil
	case over:
		return asset, proofs.CodeOverflow, nil
	}
	asset = m.Asset.At(r.self.ID)
	return asset, proofs.CodeOK, addFlow(st, m.Source, m.Incarnation, asset, Flow{Received: m.Amount})
}

// addFlow adds d to what crossed a link. The sums stop at their top: they are
// for the audit, and must not fail a message.
func addFlow(st types.State, peer proofs.NetworkID, incarnation uint64, asset proofs.AssetID, d Flow) error {
	f, err := ReadFlow(st, peer, incarnation, asset)
	if err != nil {
		return err
	}
	f.Sent, f.Received, f.Refunded = cap128(f.Sent, d.Sent), cap128(f.Received, d.Received), cap128(f.Refunded, d.Refunded)
	st.Set(flowKey(peer, incarnation, asset), f.encode())
	return nil
}

func cap128(a, b proofs.Amount) proofs.Amount {
	if sum, ok := a.Add(b); ok {
		return sum
	}
	var top proofs.Amount
	for i := range top {
		top[i] = 0xff
	}
	return top
}

// ReadFlow returns what crossed the link to peer of an asset, under its name
// here, in one incarnation.
func ReadFlow(rd Reader, peer proofs.NetworkID, incarnation uint64, asset proofs.AssetID) (Flow, error) {
	v, ok, err := rd.Get(flowKey(peer, incarnation, asset))
	if err != nil || !ok {
		return Flow{}, err
	}
	f, err := decodeFlow(v)
	if err != nil {
		return Flow{}, err
	}
	return *f, nil
}
