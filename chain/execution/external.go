package execution

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// maxClosed bounds the bodies moved into closed buckets by one block.
const maxClosed = 8192

// Fee returns what an external message of wireBytes costs: at home, and besides
// that for the gas bought at a peer with this rate. ok is false if no balance can
// cover it.
func Fee(p *proofs.Parameters, wireBytes int, rate, gas uint64) (home, abroad proofs.Amount, ok bool) {
	home = proofs.NewAmount(p.BaseFee)
	abroad = proofs.MulAmount(rate, gas)
	home, ok = home.Add(proofs.MulAmount(p.ByteFee, uint64(wireBytes)))
	if !ok {
		return home, abroad, false
	}
	if home, ok = home.Add(proofs.MulAmount(p.GasPrice, GasTransfer)); !ok {
		return home, abroad, false
	}
	_, ok = home.Add(abroad)
	return home, abroad, ok
}

// Executed reports whether an external message with this body and expiry (s) was
// executed. It speaks for buckets that are open; after the expiry second the
// closed bucket's log does.
func Executed(rd Reader, expiry uint64, body proofs.Hash) (bool, error) {
	_, ok, err := rd.Get(dedupKey(expiry, body))
	return ok, err
}

// closeBuckets moves the executed bodies whose expiry second has passed into the
// closed log of that second, in order, a bounded number in each block. None of
// them can be executed again: their expiry has passed.
func (r *run) closeBuckets() error {
	second := r.env.Time / 1000
	var keys [][]byte
	err := r.st.Iterate([]byte(dedupPrefix), nil, func(key, _ []byte) (bool, error) {
		if len(key) != len(dedupPrefix)+8+32 {
			return false, fmt.Errorf("key %x: %w", key, ErrCorrupt)
		}
		if binary.BigEndian.Uint64(key[len(dedupPrefix):]) > second {
			return false, nil
		}
		keys = append(keys, append([]byte(nil), key...))
		return len(keys) < maxClosed, nil
	})
	if err != nil {
		return err
	}
	for _, key := range keys {
		expiry, body := binary.BigEndian.Uint64(key[len(dedupPrefix):]), key[len(dedupPrefix)+8:]
		if _, err := r.st.AppendLog(BucketLog(expiry), merkle.LeafHash(body), body); err != nil {
			return err
		}
		r.st.Delete(key)
	}
	return nil
}

// externals runs the block's external messages in order. They are not held back
// by the budget, since they have nowhere to wait; what they emit is.
func (r *run) externals() error {
	for i := range r.block.Items {
		var err error
		switch r.block.Items[i].Item.Kind {
		case types.ItemExternal:
			err = r.external(i)
		case types.ItemZero, types.ItemKeyBlock, types.ItemSlice, types.ItemAct, types.ItemReady:
		default:
			r.charge(i, ChargeMalformed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) external(i int) error {
	it := &r.block.Items[i]
	x := it.External
	if why := r.admissible(it); why != 0 {
		r.charge(i, why)
		return nil
	}
	body := x.Body()
	key := dedupKey(x.Expiry, body)
	_, done, err := r.st.Get(key)
	if err != nil {
		return err
	}
	if done {
		r.charge(i, ChargeDuplicate)
		return nil
	}
	r.st.Set(key, []byte{})
	rc := proofs.Receipt{
		Kind: proofs.ReceiptExternal, ID: x.ID(), Body: body, Source: r.zero.ID, Gas: GasTransfer, Code: proofs.CodeInsufficient,
	}
	home, total, payable, err := r.price(it)
	if err != nil {
		return err
	}
	var ref proofs.EmittedRef
	if payable {
		if ref, rc.Code, err = r.carryOut(x, rc.ID, total); err != nil {
			return err
		}
	}
	if rc.Code == proofs.CodeOK {
		rc.Fee, rc.Emitted = total, []proofs.EmittedRef{ref}
	} else if rc.Fee, err = r.debitFee(x, home); err != nil {
		return err
	}
	var ok bool
	if r.fees, ok = r.fees.Add(rc.Fee); !ok {
		return fmt.Errorf("fees of a block exceed 128 bits: %w", ErrCorrupt)
	}
	r.spend(GasTransfer)
	return r.receipt(rc)
}

// admissible is 0 for a message that may be executed if it was not yet.
func (r *run) admissible(it *Item) ChargeReason {
	x, now := it.External, r.env.Time/1000
	switch {
	case x == nil || x.Validate(r.zero.ID) != nil:
		return ChargeMalformed
	case !it.SigOK:
		return ChargeSignature
	case x.Expiry <= now || x.Expiry-now > r.zero.Parameters.ExpiryWindow:
		return ChargeExpiry
	}
	return 0
}

// price returns the fee at home and the whole fee; ok is false if the sender
// allows less, or no balance can cover it.
func (r *run) price(it *Item) (home, total proofs.Amount, ok bool, err error) {
	x := it.External
	var rate uint64
	if x.Transfer.Network != r.zero.ID {
		if rate, _, err = r.mesh.GasRate(r.st, x.Transfer.Network); err != nil {
			return home, total, false, err
		}
	}
	home, abroad, ok := Fee(&r.zero.Parameters, len(it.Item.Data), rate, x.Transfer.Gas)
	if ok {
		total, _ = home.Add(abroad)
		ok = x.MaxFee.IsZero() || total.Cmp(x.MaxFee) <= 0
	}
	return home, total, ok, nil
}

// carryOut debits the sender and emits the message, or does nothing.
func (r *run) carryOut(x *types.External, id proofs.Hash, fee proofs.Amount) (ref proofs.EmittedRef, code proofs.Code, err error) {
	mark := r.st.Snapshot()
	sender, asset := x.Sender(), x.Transfer.Asset.At(r.zero.ID)
	for _, d := range [...]Holding{{proofs.NativeAsset, fee}, {asset, x.Transfer.Amount}} {
		ok, err := debit(r.st, sender, d.Asset, d.Amount)
		if err != nil {
			return ref, 0, err
		}
		if !ok {
			r.st.Revert(mark)
			return ref, proofs.CodeInsufficient, nil
		}
	}
	m := r.message(x, id)
	if m.Destination == r.zero.ID {
		m.Gas = GasTransfer
		ref, err = r.emit(m)
		return ref, proofs.CodeOK, err
	}
	if ref, code, err = r.mesh.Send(r.st, r.env, m); err == nil && code != proofs.CodeOK {
		r.st.Revert(mark)
	}
	return ref, code, err
}

func (r *run) message(x *types.External, id proofs.Hash) *proofs.Message {
	t := &x.Transfer
	m := &proofs.Message{
		Version: proofs.Version, Source: r.zero.ID, Destination: t.Network, Kind: proofs.KindTransfer,
		Sender: x.Sender(), Recipient: t.Recipient, Asset: t.Asset.Abroad(r.zero.ID), Amount: t.Amount,
		Gas: t.Gas, Deadline: t.Deadline, Emitted: r.env.Time, Cause: id,
	}
	if t.Memo != "" {
		m.Payload = []byte(t.Memo)
	}
	if m.Deadline == 0 {
		if m.Deadline = r.env.Time + r.zero.Parameters.MessageLifetime; m.Deadline < r.env.Time {
			m.Deadline = math.MaxUint64
		}
	}
	return m
}

// debitFee charges a message that was not carried out: the fee at home, but not
// more than the sender allows or has.
func (r *run) debitFee(x *types.External, home proofs.Amount) (proofs.Amount, error) {
	key := proofs.BalanceKey(x.Sender(), proofs.NativeAsset)
	have, err := readAmount(r.st, key)
	if err != nil {
		return proofs.Amount{}, err
	}
	fee := home
	if !x.MaxFee.IsZero() && x.MaxFee.Cmp(fee) < 0 {
		fee = x.MaxFee
	}
	if have.Cmp(fee) < 0 {
		fee = have
	}
	if !fee.IsZero() {
		rest, _ := have.Sub(fee)
		writeAmount(r.st, key, rest)
	}
	return fee, nil
}
