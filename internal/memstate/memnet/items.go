package memnet

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// External, ZeroItem, KeyItem, SliceItem, ActItem and ReadyItem wrap objects as items.
func External(x types.External) types.Item {
	return types.Item{Kind: types.ItemExternal, Data: x.MarshalCanoto()}
}

// ZeroItem wraps a network's zero-header.
func ZeroItem(n *Network) types.Item {
	z := n.Zero.ZeroHeader
	return types.Item{Kind: types.ItemZero, Data: z.MarshalCanoto()}
}

// KeyItem wraps a key block.
func KeyItem(kb proofs.KeyBlock) types.Item {
	return types.Item{Kind: types.ItemKeyBlock, Data: kb.MarshalCanoto()}
}

// SliceItem wraps a slice.
func SliceItem(s *proofs.Slice) types.Item {
	return types.Item{Kind: types.ItemSlice, Data: s.MarshalCanoto()}
}

// ActItem wraps a governance act.
func ActItem(a types.CertifiedAct) types.Item {
	return types.Item{Kind: types.ItemAct, Data: a.MarshalCanoto()}
}

// ReadyItem wraps a readiness.
func ReadyItem(r types.Ready) types.Item {
	return types.Item{Kind: types.ItemReady, Data: r.MarshalCanoto()}
}

// Link registers two networks with each other and carries what makes the link
// active on both sides.
func Link(a, b *Network) error {
	for _, p := range [...][2]*Network{{a, b}, {b, a}} {
		if _, err := p[0].Step(ActItem(p[0].Act(types.ActRegister, p[1].ID()))); err != nil {
			return err
		}
		if _, err := p[0].Step(ZeroItem(p[1])); err != nil {
			return err
		}
	}
	return Exchange(a, b)
}

// Exchange certifies the present of both networks and carries what is new of each
// to the other, twice, so that what one side settles the other has seen.
func Exchange(a, b *Network) error {
	for range 2 {
		for _, p := range [...][2]*Network{{a, b}, {b, a}} {
			if err := Carry(p[0], p[1]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Carry brings everything new of from's queue to to.
func Carry(from, to *Network) error {
	for from.Time < to.Time {
		from.Time = to.Time
	}
	if _, err := from.Step(); err != nil {
		return err
	}
	peer, ok, err := to.Rules.Peer(to.State, from.ID())
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%s is no peer", from.Zero.Parameters.Name)
	}
	to.Time = max(to.Time, from.Time-1000)
	_, err = to.Step(SliceItem(from.Slice(to.ID(), peer.InEnd, proofs.MaxSliceMessages)))
	return err
}

// Check compares the sums of the state: of each asset the supply is the balances,
// the value of waiting local messages and, of the native asset, the fees; and the
// native supply and what is claimed abroad are what was issued.
func (n *Network) Check() error {
	sums := make(map[proofs.AssetID]proofs.Amount)
	supplies := make(map[proofs.AssetID]proofs.Amount)
	claims := proofs.Amount{}
	add := func(to *proofs.Amount, v proofs.Amount) {
		sum, ok := to.Add(v)
		if !ok {
			panic("sum beyond 128 bits")
		}
		*to = sum
	}
	for _, kv := range n.State.Entries() {
		key := string(kv.Key)
		switch {
		case len(key) == 4+32+64 && key[:4] == "bal/":
			asset := proofs.AssetID(kv.Key[36:])
			s := sums[asset]
			add(&s, proofs.Amount(kv.Value))
			sums[asset] = s
		case len(key) == 7+64 && key[:7] == "supply/":
			supplies[proofs.AssetID(kv.Key[7:])] = proofs.Amount(kv.Value)
		case len(key) == 6+32+64 && key[:6] == "claim/":
			add(&claims, proofs.Amount(kv.Value))
		}
	}
	native := sums[proofs.NativeAsset]
	add(&native, must(execution.Fees(n.State)))
	sums[proofs.NativeAsset] = native
	local := must(n.State.LogInfo(execution.LocalLog))
	for i := local.Begin; i < local.End(); i++ {
		var m proofs.Message
		check(proofs.Decode(&m, must(n.State.LogEntry(execution.LocalLog, i)), proofs.MaxSliceBytes))
		s := sums[m.Asset.At(n.ID())]
		add(&s, m.Amount)
		sums[m.Asset.At(n.ID())] = s
	}
	for asset, supply := range supplies {
		if supply != sums[asset] {
			return fmt.Errorf("block %d: asset %s: supply %s, but accounted for %s", n.Height, asset, supply, sums[asset])
		}
	}
	for asset, sum := range sums {
		if supplies[asset] != sum {
			return fmt.Errorf("block %d: asset %s: supply %s, but accounted for %s", n.Height, asset, supplies[asset], sum)
		}
	}
	total := supplies[proofs.NativeAsset]
	add(&total, claims)
	if total != n.Issued {
		return fmt.Errorf("block %d: supply and claims are %s, issued %s", n.Height, total, n.Issued)
	}
	return nil
}
