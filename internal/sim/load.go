package sim

import (
	"slices"

	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/lanes"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// expiry is how long an external message may live, s: no run takes as long.
const expiry = 500

// transfer has a user of the network send value, at home or, in one of two cases,
// to the other network; now and then to nobody, which fails there and is refunded.
func (w *World) transfer(n *Node) {
	if !n.member() {
		return
	}
	net := n.net
	from := net.users[w.rng.IntN(len(net.users))]
	t := types.Transfer{Network: net.zero.ID, Recipient: net.users[w.rng.IntN(len(net.users))].Account, Amount: proofs.NewAmount(w.between(1, 1000))}
	if other := w.other(net); other != nil && w.chance(0.5) {
		t.Network, t.Recipient, t.Gas = other.zero.ID, other.users[w.rng.IntN(len(other.users))].Account, execution.GasTransfer
		voucher := proofs.NativeAsset.Abroad(other.zero.ID)
		if have, err := execution.Balance(n.disk.state.state, from.Account, voucher); err == nil && have.Cmp(t.Amount) >= 0 && w.chance(0.5) {
			t.Asset = voucher
		}
	}
	if w.chance(0.15) {
		t.Recipient = proofs.AccountID{}
	}
	net.salt++
	x := types.External{Network: net.zero.ID, Salt: net.salt, Expiry: n.clock()/1000 + expiry, Transfer: t}
	x.Sign(from.Key)
	n.makeBatch(types.Item{Kind: types.ItemExternal, Data: x.MarshalCanoto()})
}

// makeBatch stores a batch durably, streams it to the others and hands it to the
// core.
func (n *Node) makeBatch(items ...types.Item) { n.makeBatchThen(func() {}, items...) }

// makeBatchThen is makeBatch for a caller who wants to know when the batch is
// durable.
func (n *Node) makeBatchThen(then func(), items ...types.Item) {
	if !n.member() {
		return
	}
	b := &types.Batch{Items: items}
	digest := b.Digest(n.net.zero.ID)
	if slices.Contains(n.disk.chain.live.own, digest) {
		then()
		return
	}
	write := func() {
		n.disk.chain.write(func(d *chainData) {
			d.batches[digest] = b
			if !slices.Contains(d.own, digest) {
				d.own = append(d.own, digest)
			}
		})
	}
	n.afterSync("storing an own batch", write, n.disk.chain.sync, func() {
		peers := n.peers(n.core.set, true, proofs.NodeKey{})
		if n.evil != nil {
			peers = n.evil.batch(n, peers)
		}
		n.sendEach(peers, b)
		n.post(lanes.OwnBatch{Digest: digest})
		if n.up() {
			then()
		}
	})
}
