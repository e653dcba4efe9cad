package main

import (
	"crypto/sha256"
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/chain/types/internal/typestest"
	"github.com/isthmus-network/isthmus/proofs"
)

var network = typestest.Network

// object fills in what all rows have.
func object(desc, wantErr string, layout, wire []byte) row {
	return row{Desc: desc, Network: network.String(), Layout: hexOf(layout), Hash: sum(layout), Wire: hexOf(wire), WantErr: wantErr}
}

func digest(i int) proofs.Hash { return sha256.Sum256(fmt.Appendf(nil, "digest %d", i)) }

func externalRows() (rows []row) {
	add := func(desc, wantErr string, before, after func(x *types.External)) {
		x := types.External{
			Network: network, Salt: 7, Expiry: 1_700_000_600, MaxFee: proofs.NewAmount(5000),
			Transfer: types.Transfer{
				Network: proofs.NetworkID(digest(1)), Recipient: proofs.AccountID(digest(2)), Amount: proofs.NewAmount(1_000_000),
				Gas: 50_000, Deadline: 1_700_003_600_000, Memo: "für später",
			},
		}
		before(&x)
		x.Sign(typestest.NodeKey(9))
		after(&x)
		t := &x.Transfer
		l := layout(x.Network, 0x24, x.Key[:], x.Salt, x.Expiry, x.MaxFee[:], t.Network[:], t.Recipient[:], t.Asset[:], t.Amount[:],
			t.Gas, t.Deadline, counted(t.Memo))
		r := object(desc, wantErr, l, x.MarshalCanoto())
		body := sha256.Sum256(l)
		r.ID = sum(layout(x.Network, 0x25, body[:], x.Signature[:]))
		rows = append(rows, r)
	}
	same := func(*types.External) {}
	add("transfer abroad", "", same, same)
	add("transfer at home, least fields", "", func(x *types.External) {
		*x = types.External{Network: network, Transfer: types.Transfer{Network: network, Amount: proofs.NewAmount(1)}}
	}, same)
	add("foreign asset", "", func(x *types.External) { x.Transfer.Asset = proofs.NewAssetID(proofs.NetworkID(digest(3)), digest(4)) }, same)
	add("another network", "wrong network", func(x *types.External) { x.Network[0] ^= 1 }, same)
	add("amount 0", "malformed", func(x *types.External) { x.Transfer.Amount = proofs.Amount{} }, same)
	add("memo too long", "too large", func(x *types.External) { x.Transfer.Memo = string(make([]byte, proofs.MaxMemo+1)) }, same)
	add("amount changed after signing", "bad signature", same, func(x *types.External) { x.Transfer.Amount[15]++ })
	add("signature of another key", "bad signature", same, func(x *types.External) { x.Key[0] ^= 1 })
	add("small-order key and point, which ZIP-215 accepts", "", same, func(x *types.External) {
		x.Key, x.Signature = [32]byte{1}, [64]byte{1}
	})
	return rows
}

func batchRows() (rows []row) {
	add := func(desc string, items ...types.Item) {
		b := types.Batch{Items: items}
		parts := []any{uint32(len(items))}
		for i := range items {
			parts = append(parts, uint8(items[i].Kind), counted(items[i].Data))
		}
		rows = append(rows, object(desc, "", layout(network, 0x22, parts...), b.MarshalCanoto()))
	}
	add("empty")
	add("one item", types.Item{Kind: types.ItemExternal, Data: []byte("external")})
	add("all kinds", types.Item{Kind: types.ItemExternal, Data: []byte("x")}, types.Item{Kind: types.ItemZero, Data: []byte("zero")},
		types.Item{Kind: types.ItemKeyBlock, Data: []byte("key block")}, types.Item{Kind: types.ItemSlice}, types.Item{Kind: types.ItemAct, Data: []byte{0}})
	return rows
}

func carRows() (rows []row) {
	c := typestest.NewCommittee(1, 1, 1, 1)
	add := func(desc, wantErr string, car types.Car, change func(c *types.Car)) {
		car.Sign(network, c.Nodes[car.Lane])
		change(&car)
		parts := []any{car.Epoch, car.Lane, car.Height, car.Parent[:], uint32(len(car.Batches))}
		for _, b := range car.Batches {
			parts = append(parts, b[:])
		}
		r := object(desc, wantErr, layout(network, 0x20, parts...), car.MarshalCanoto())
		r.Members = members(c)
		rows = append(rows, r)
	}
	same := func(*types.Car) {}
	first := types.Car{Epoch: 3, Lane: 2, Height: 1, Batches: []proofs.Hash{digest(1)}}
	later := types.Car{Epoch: 3, Lane: 1, Height: 9, Parent: digest(8), Batches: []proofs.Hash{digest(1), digest(2), digest(3)}}
	add("first car", "", first, same)
	add("later car", "", later, same)
	add("no batches", "", types.Car{Height: 1}, same)
	add("parent changed after signing", "bad signature", later, func(c *types.Car) { c.Parent[0] ^= 1 })
	add("another lane's car", "bad signature", later, func(c *types.Car) { c.Lane = 2 })
	return rows
}

func voteLayout(epoch uint64, t *types.Tip) []byte {
	return layout(network, 0x21, epoch, t.Lane, t.Height, t.Digest[:])
}

func carVoteRows() (rows []row) {
	c := typestest.NewCommittee(1, 1, 1, 1)
	add := func(desc, wantErr string, change func(v *types.CarVote)) {
		v := types.CarVote{Epoch: 3, Tip: types.Tip{Lane: 1, Height: 9, Digest: digest(9)}, Voter: 2}
		v.Sign(network, c.Nodes[v.Voter])
		change(&v)
		r := object(desc, wantErr, voteLayout(v.Epoch, &v.Tip), v.MarshalCanoto())
		r.Members = members(c)
		rows = append(rows, r)
	}
	add("vote", "", func(*types.CarVote) {})
	add("another voter's", "bad signature", func(v *types.CarVote) { v.Voter = 3 })
	add("another height", "bad signature", func(v *types.CarVote) { v.Tip.Height++ })
	add("another epoch", "bad signature", func(v *types.CarVote) { v.Epoch++ })
	return rows
}

func carCertificateRows() (rows []row) {
	c := typestest.NewCommittee(1, 1, 1, 1)
	add := func(desc, wantErr string, voters []uint32, change func(cc *types.CarCertificate)) {
		cc := types.CarCertificate{Epoch: 3, Tip: types.Tip{Lane: 1, Height: 9, Digest: digest(9)}}
		for _, voter := range voters {
			v := types.CarVote{Epoch: cc.Epoch, Tip: cc.Tip, Voter: voter}
			v.Sign(network, c.Nodes[voter])
			cc.Votes = append(cc.Votes, types.CarSignature{Voter: voter, Signature: v.Signature})
		}
		change(&cc)
		r := object(desc, wantErr, voteLayout(cc.Epoch, &cc.Tip), cc.MarshalCanoto())
		r.Members = members(c)
		rows = append(rows, r)
	}
	same := func(*types.CarCertificate) {}
	add("two of four", "", []uint32{0, 3}, same)
	add("all", "", []uint32{0, 1, 2, 3}, same)
	add("one of four", "quorum not reached", []uint32{2}, same)
	add("nobody", "quorum not reached", nil, same)
	add("a voter twice", "bad signer bitmap", []uint32{2, 2}, same)
	add("voters unsorted", "bad signer bitmap", []uint32{3, 0}, same)
	add("a voter outside the set", "bad signer bitmap", []uint32{0, 1}, func(cc *types.CarCertificate) { cc.Votes[1].Voter = 4 })
	add("a signature of another voter", "bad signature", []uint32{0, 1}, func(cc *types.CarCertificate) { cc.Votes[1].Voter = 2 })
	add("another digest", "bad signature", []uint32{0, 1}, func(cc *types.CarCertificate) { cc.Tip.Digest[0] ^= 1 })
	return rows
}

func cutRows() (rows []row) {
	add := func(desc string, epoch uint64, c types.Cut) {
		parts := []any{epoch, uint32(len(c.Tips))}
		for i := range c.Tips {
			t := &c.Tips[i]
			parts = append(parts, t.Lane, t.Height, t.Digest[:])
		}
		r := object(desc, "", layout(network, 0x23, parts...), c.MarshalCanoto())
		r.Epoch = fmt.Sprint(epoch)
		rows = append(rows, r)
	}
	add("no lanes", 0, types.Cut{})
	add("start of an epoch", 4, types.NewCut(3))
	c := types.NewCut(3)
	c.Tips[0].Height, c.Tips[0].Digest = 5, digest(5)
	c.Tips[2].Height, c.Tips[2].Digest = 1<<40, digest(6)
	add("two of three lanes have tips", 4, c)
	return rows
}

func actRows() (rows []row) {
	c := typestest.NewCommittee(1, 1, 1, 1, 1, 1, 1, 1, 1)
	all := []int{0, 1, 2, 3, 4, 5, 6, 7, 8}
	add := func(desc, wantErr string, num, den uint32, who []int, change func(a *types.CertifiedAct)) {
		a := types.CertifiedAct{Act: types.Act{
			Network: network, Epoch: 3, Sequence: 5, Expiry: 1_700_000_600_000, Kind: types.ActRegister, Peer: proofs.NetworkID(digest(1)),
			NetworkKind: "native", Window: 4096, GasRate: 2, TrustPeriod: 86_400_000,
		}}
		if desc == "pause" {
			a.Act = types.Act{Network: network, Epoch: 3, Sequence: 6, Expiry: 1, Kind: types.ActPause, Peer: a.Act.Peer}
		}
		a.Approval = c.Sign(actLayout(&a.Act), who...)
		change(&a)
		r := object(desc, wantErr, actLayout(&a.Act), a.MarshalCanoto())
		r.Members, r.Num, r.Den = members(c), num, den
		rows = append(rows, r)
	}
	same := func(*types.CertifiedAct) {}
	add("registration by all", "", 3, 4, all, same)
	add("pause", "", 3, 4, all, same)
	add("seven of nine, threshold 2/3", "", 2, 3, all[:7], same)
	add("six of nine, threshold 2/3", "quorum not reached", 2, 3, all[:6], same)
	add("six of nine, threshold 1/2: never less than 2/3", "quorum not reached", 1, 2, all[:6], same)
	add("seven of nine, threshold 7/9", "quorum not reached", 7, 9, all[:7], same)
	add("peer changed", "bad signature", 2, 3, all, func(a *types.CertifiedAct) { a.Act.Peer[0] ^= 1 })
	add("sequence changed", "bad signature", 2, 3, all, func(a *types.CertifiedAct) { a.Act.Sequence++ })
	add("another network", "bad signature", 2, 3, all, func(a *types.CertifiedAct) { a.Act.Network[0] ^= 1 })
	onSet := func(kind types.ActKind, v *proofs.Validator) func(a *types.CertifiedAct) {
		return func(a *types.CertifiedAct) {
			a.Act = types.Act{Network: network, Epoch: 3, Sequence: 7, Expiry: 1_700_000_600_000, Kind: kind, Validator: v}
			a.Approval = c.Sign(actLayout(&a.Act), all...)
		}
	}
	member := c.Set.At(4)
	member.Weight = 3
	add("a validator's weight", "", 2, 3, all, onSet(types.ActValidator, &member))
	add("a validator leaves", "", 2, 3, all, onSet(types.ActRemoveValidator, &proofs.Validator{Node: member.Node}))
	add("weight changed", "bad signature", 2, 3, all, func(a *types.CertifiedAct) {
		changed := member
		onSet(types.ActValidator, &changed)(a)
		changed.Weight++
	})
	add("validator taken away", "bad signature", 2, 3, all, func(a *types.CertifiedAct) {
		onSet(types.ActValidator, &member)(a)
		a.Act.Validator = nil
	})
	add("bit beyond the set", "bad signer bitmap", 2, 3, all, func(a *types.CertifiedAct) { a.Approval.Bitmap[1] |= 2 })
	return rows
}

func actLayout(a *types.Act) []byte {
	parts := []any{a.Epoch, a.Sequence, a.Expiry, uint8(a.Kind), a.Peer[:], counted(a.NetworkKind), a.Window, a.GasRate, a.TrustPeriod}
	if v := a.Validator; v != nil {
		parts = append(parts, v.Node[:], v.Key[:], v.Weight, v.Possession[:])
	}
	return layout(a.Network, 0x13, parts...)
}

func readyRows() (rows []row) {
	add := func(desc, wantErr string, change func(r *types.Ready)) {
		v := types.Ready{Sequence: 7, SetHash: digest(7)}
		v.Sign(network, typestest.NodeKey(9))
		change(&v)
		rows = append(rows, object(desc, wantErr, layout(network, 0x27, v.Sequence, v.SetHash[:], v.Node[:]), v.MarshalCanoto()))
	}
	add("ready", "", func(*types.Ready) {})
	add("for another act", "bad signature", func(r *types.Ready) { r.Sequence++ })
	add("for another set", "bad signature", func(r *types.Ready) { r.SetHash[0] ^= 1 })
	add("another node's", "bad signature", func(r *types.Ready) { r.Node[0] ^= 1 })
	return rows
}

func members(c *typestest.Committee) (list []string) {
	for _, m := range c.Set.Members() {
		list = append(list, hexOf(m.MarshalCanoto()))
	}
	return list
}
