package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/big"
	"slices"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
	"github.com/isthmus-network/isthmus/proofs/internal/prooftest"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// object is one value: what is hashed, the hash (an id or a leaf), the wire
// form. WantErr is the text of the error kind that the check of the value gives;
// layout and hash are then empty where the value has none.
type object struct {
	Desc    string `json:"desc"`
	Network string `json:"network,omitempty"` // whose object it is, if that is not in the wire form
	Layout  string `json:"layout,omitempty"`
	Hash    string `json:"hash,omitempty"`
	Wire    string `json:"wire"`
	WantErr string `json:"wantErr"`
}

type account struct {
	Desc   string `json:"desc"`
	Key    string `json:"key"`
	Layout string `json:"layout"`
	Hash   string `json:"hash"`
}

func accountRows() (rows []account) {
	for i, key := range [][]byte{bytes.Repeat([]byte{0}, 32), bytes.Repeat([]byte{0xff}, 32), bytes.Repeat([]byte{1, 2}, 16)} {
		l := layout(proofs.NetworkID{}, 0x04, key)
		rows = append(rows, account{fmt.Sprintf("account of key %d", i), hexOf(key), hexOf(l), sum(l)})
	}
	return rows
}

func zeroRows() (rows []object) {
	add := func(desc, wantErr string, change func(z *proofs.ZeroHeader)) {
		z := alpha().Zero.ZeroHeader
		z.Validators = slices.Clone(z.Validators)
		change(&z)
		row := object{Desc: desc, Wire: hexOf(z.MarshalCanoto()), WantErr: wantErr}
		if wantErr == "" {
			row.Layout, row.Hash = hexOf(zeroLayout(&z)), sum(zeroLayout(&z))
		}
		rows = append(rows, row)
	}
	add("three validators", "", func(*proofs.ZeroHeader) {})
	add("one validator", "", func(z *proofs.ZeroHeader) { z.Validators = z.Validators[:1] })
	add("no fees, no payload", "", func(z *proofs.ZeroHeader) {
		p := &z.Parameters
		p.BaseFee, p.ByteFee, p.GasPrice, p.MaxPayload, p.Decimals, p.ThresholdNum = 0, 0, 0, 0, 0, 0
	})
	add("another version", "unknown protocol version", func(z *proofs.ZeroHeader) { z.Version = 2 })
	add("zero state root", "root mismatch", func(z *proofs.ZeroHeader) { z.StateRoot = proofs.Hash{} })
	add("zero time", "root mismatch", func(z *proofs.ZeroHeader) { z.Time = 0 })
	add("no validators", "too large", func(z *proofs.ZeroHeader) { z.Validators = nil })
	add("zero weight", "bad weight", func(z *proofs.ZeroHeader) { z.Validators[1].Weight = 0 })
	add("validators unsorted", "not canonical", func(z *proofs.ZeroHeader) { slices.Reverse(z.Validators) })
	add("possession of another validator", "bad proof of possession", func(z *proofs.ZeroHeader) {
		z.Validators[0].Possession = z.Validators[1].Possession
	})
	add("epoch longer than a quarter of the trust period", "malformed", func(z *proofs.ZeroHeader) {
		z.Parameters.EpochDuration = z.Parameters.TrustPeriod/4 + 1
	})
	add("BLS key that is none", "malformed", func(z *proofs.ZeroHeader) { z.Validators[2].Key = [bls.PublicKeySize]byte{0xc0} })
	add("window larger than a head's outcomes", "malformed", func(z *proofs.ZeroHeader) { z.Parameters.LinkWindow = proofs.MaxOutcomes + 1 })
	return rows
}

// set is a validator set; the members are in their wire form.
type set struct {
	Desc    string   `json:"desc"`
	Members []string `json:"members"`
	Layout  string   `json:"layout,omitempty"`
	Hash    string   `json:"hash,omitempty"`
	Total   string   `json:"total,omitempty"`
	WantErr string   `json:"wantErr"`
}

func setRows() (rows []set) {
	add := func(desc, wantErr string, members []proofs.Validator) {
		row := set{Desc: desc, WantErr: wantErr, Members: []string{}}
		var total uint64
		for i := range members {
			row.Members = append(row.Members, hexOf(members[i].MarshalCanoto()))
			total += members[i].Weight
		}
		if wantErr == "" {
			l := memberLayout(members)
			row.Layout, row.Hash, row.Total = hexOf(l), sum(l), fmt.Sprint(total)
		}
		rows = append(rows, row)
	}
	four := func() []proofs.Validator { return prooftest.Members(prooftest.Even(1, 4)) }
	add("one member", "", four()[:1])
	add("four members", "", four())
	most := four()
	most[0].Weight = proofs.MaxTotalWeight - 3
	add("largest sum of weights", "", most)
	over := four()
	over[0].Weight = proofs.MaxTotalWeight - 2
	add("sum of weights too large", "bad weight", over)
	add("no members", "too large", nil)
	unsorted := four()
	slices.Reverse(unsorted)
	add("node keys fall", "not canonical", unsorted)
	twice := four()
	twice[1].Key, twice[1].Possession = twice[0].Key, twice[0].Possession
	add("BLS key twice", "not canonical", twice)
	foreign := four()
	foreign[2].Possession = foreign[3].Possession
	add("possession of another member", "bad proof of possession", foreign)
	inverse := four()
	secret := inverseOf(inverse[0].Key)
	inverse[3].Key, inverse[3].Possession = secret.PublicKey().Bytes(), secret.ProvePossession(inverse[3].Node)
	add("inverse keys", "bad proof of possession", inverse)
	for _, key := range []struct {
		desc string
		key  [bls.PublicKeySize]byte
	}{
		{"BLS key of zeros", [bls.PublicKeySize]byte{}},
		{"BLS key at infinity", [bls.PublicKeySize]byte{0xc0}},
		{"BLS key without the compressed flag", [bls.PublicKeySize]byte(clearFlag(four()[1].Key[:]))},
	} {
		bad := four()
		bad[1].Key = key.key
		add(key.desc, "malformed", bad)
	}
	return rows
}

// inverseOf is the secret key whose public key is the inverse of one that the keys
// 1 to 4 name.
func inverseOf(key [bls.PublicKeySize]byte) *bls.SecretKey {
	order, _ := new(big.Int).SetString("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001", 16)
	for k := uint64(1); k <= 4; k++ {
		if prooftest.Secret(k).PublicKey().Bytes() != key {
			continue
		}
		secret := new(big.Int).SetBytes(prooftest.Secret(k).Bytes())
		inverse, err := bls.NewSecretKey(secret.Sub(order, secret).FillBytes(make([]byte, bls.SecretKeySize)))
		if err != nil {
			panic(err)
		}
		return inverse
	}
	panic("no such key")
}

func clearFlag(key []byte) []byte {
	out := bytes.Clone(key)
	out[0] &^= 0x80
	return out
}

func headerRows() (rows []object) {
	add := func(desc string, h proofs.Header) {
		l := headerLayout(&h)
		rows = append(rows, object{Desc: desc, Layout: hexOf(l), Hash: sum(l), Wire: hexOf(h.MarshalCanoto())})
	}
	n := alpha()
	add("block 1", n.Next())
	n.Extend()
	add("block 2", n.Next())
	add("key block", n.KeyBlock(prooftest.NewCommittee(prooftest.Even(2, 3)...)).Header)
	add("all fields zero", proofs.Header{})
	full := n.Next()
	full.ReceiptSize, full.Epoch, full.PreviousKeyHeight, full.NextSetHash = 1<<63, 1<<40, 1<<33, proofs.Hash{31: 1}
	full.StateRoot = sha256.Sum256([]byte("another state"))
	add("large numbers", full)
	return rows
}

// vote is what validators sign, and what the first validator's signature is.
type vote struct {
	Desc       string `json:"desc"`
	Network    string `json:"network"`
	Kind       uint8  `json:"kind"`
	Epoch      string `json:"epoch"`
	SetHash    string `json:"setHash"`
	View       string `json:"view"`
	ParentView string `json:"parentView"`
	Header     string `json:"header"`
	Layout     string `json:"layout"`
	SecretKey  string `json:"secretKey"`
	Vote       string `json:"vote"` // 96 bytes, uncompressed
}

func voteRows() (rows []vote) {
	n := alpha()
	h := n.Next()
	id := h.ID()
	for _, k := range []struct {
		desc string
		kind proofs.ObjectType
	}{{"notarize", proofs.TypeNotarize}, {"nullify", proofs.TypeNullify}, {"finalize", proofs.TypeFinalize}} {
		v := proofs.Vote{Kind: k.kind, Epoch: 5, SetHash: h.SetHash, View: 1000, ParentView: 998, Header: id}
		l := voteLayout(n.ID(), &v)
		secret := prooftest.Secret(1)
		sig := secret.Sign(l)
		rows = append(rows, vote{
			Desc: k.desc, Network: n.ID().String(), Kind: uint8(k.kind), Epoch: "5", SetHash: hexOf(v.SetHash[:]), View: "1000", ParentView: "998",
			Header: hexOf(id[:]), Layout: hexOf(l), SecretKey: hexOf(secret.Bytes()), Vote: hexOf(sig[:]),
		})
	}
	return rows
}

func headRows() (rows []object) {
	n := alpha()
	add := func(desc, wantErr string, change func(h *proofs.QueueHead)) {
		h := prooftest.NewQueue(n.ID(), reader, 13).Head()
		h.Begin, h.Acked, h.Settled = 2, 7, 6
		h.Outcomes = []proofs.Outcome{{Index: 1, Code: proofs.CodeDeadline}, {Index: 4, Code: proofs.CodePaused}}
		change(&h)
		row := object{Desc: desc, Network: n.ID().String(), Wire: hexOf(h.MarshalCanoto()), WantErr: wantErr}
		if wantErr == "" {
			l := headLayout(n.ID(), &h)
			row.Layout, row.Hash = hexOf(l), leaf(l)
		}
		rows = append(rows, row)
	}
	add("with outcomes", "", func(*proofs.QueueHead) {})
	add("without outcomes", "", func(h *proofs.QueueHead) { h.Outcomes = nil })
	add("nothing sent, nothing received", "", func(h *proofs.QueueHead) {
		*h = proofs.QueueHead{Peer: h.Peer, Incarnation: 1, Root: merkle.EmptyRoot()}
	})
	add("begin after end", "bad index", func(h *proofs.QueueHead) { h.Begin = 14 })
	add("settled beyond acked", "bad index", func(h *proofs.QueueHead) { h.Settled = 8 })
	add("incarnation 0", "wrong incarnation", func(h *proofs.QueueHead) { h.Incarnation = 0 })
	add("outcome of success", "not canonical", func(h *proofs.QueueHead) { h.Outcomes[0].Code = 0 })
	add("outcomes unsorted", "not canonical", func(h *proofs.QueueHead) { slices.Reverse(h.Outcomes) })
	add("outcome not settled", "not canonical", func(h *proofs.QueueHead) { h.Outcomes[1].Index = 6 })
	return rows
}

type outbound struct {
	Desc    string   `json:"desc"`
	Network string   `json:"network"`
	Time    string   `json:"time"`
	Heads   []string `json:"heads"` // wire forms
	Layout  string   `json:"layout,omitempty"`
	Hash    string   `json:"hash,omitempty"`
	WantErr string   `json:"wantErr"`
}

func outboundRows() (rows []outbound) {
	n := alpha()
	add := func(desc, wantErr string, peers ...byte) {
		row := outbound{Desc: desc, Network: n.ID().String(), Time: fmt.Sprint(uint64(prooftest.ZeroTime)), Heads: []string{}, WantErr: wantErr}
		var leaves []proofs.Hash
		for _, p := range peers {
			h := prooftest.NewQueue(n.ID(), prooftest.Peer(p), int(p)).Head()
			row.Heads = append(row.Heads, hexOf(h.MarshalCanoto()))
			leaves = append(leaves, sha256.Sum256(append([]byte{0}, headLayout(n.ID(), &h)...)))
		}
		if wantErr == "" {
			root := merkle.Root(leaves)
			l := layout(n.ID(), 0x32, uint64(prooftest.ZeroTime), uint32(len(peers)), root[:])
			row.Layout, row.Hash = hexOf(l), sum(l)
		}
		rows = append(rows, row)
	}
	add("no peers", "")
	add("one peer", "", 7)
	add("three peers", "", 1, 2, 9)
	add("peers unsorted", "not canonical", 2, 1)
	add("peer twice", "not canonical", 2, 2)
	return rows
}

func messageRows() (rows []object) {
	n := alpha()
	add := func(desc, wantErr string, change func(m *proofs.Message)) {
		m := prooftest.NewQueue(n.ID(), reader, 3).Messages[2]
		change(&m)
		l := messageLayout(&m)
		rows = append(rows, object{Desc: desc, Layout: hexOf(l), Hash: leaf(l), Wire: hexOf(m.MarshalCanoto()), WantErr: wantErr})
	}
	add("transfer with a memo", "", func(*proofs.Message) {})
	add("transfer without a memo", "", func(m *proofs.Message) { m.Payload = nil })
	add("largest numbers", "", func(m *proofs.Message) {
		m.Amount, m.Index, m.Gas, m.Deadline = proofs.Amount(bytes.Repeat([]byte{0xff}, 16)), 1<<64-1, 1<<64-1, 1<<64-1
	})
	add("refund", "", func(m *proofs.Message) { m.Kind = proofs.KindRefund })
	add("unknown kind", "malformed", func(m *proofs.Message) { m.Kind = 3 })
	add("asset without origin", "malformed", func(m *proofs.Message) { m.Asset = proofs.AssetID{} })
	add("unknown version", "unknown protocol version", func(m *proofs.Message) { m.Version = 2 })
	return rows
}

func receiptRows() (rows []object) {
	n := alpha()
	m := prooftest.NewQueue(n.ID(), reader, 1).Messages[0]
	add := func(desc string, r proofs.Receipt) {
		l := receiptLayout(n.ID(), &r)
		rows = append(rows, object{Desc: desc, Network: n.ID().String(), Layout: hexOf(l), Hash: leaf(l), Wire: hexOf(r.MarshalCanoto())})
	}
	add("external message that emitted two", proofs.Receipt{
		Kind: proofs.ReceiptExternal, ID: sha256.Sum256([]byte("id")), Body: sha256.Sum256([]byte("body")), Height: 12,
		Time: prooftest.ZeroTime, Gas: 21_000, Fee: proofs.NewAmount(22_000),
		Emitted: []proofs.EmittedRef{{Destination: reader, Incarnation: 1, Index: 0, ID: m.ID()}, {Destination: n.ID(), Index: 4, ID: m.Cause}},
	})
	add("message that failed", proofs.Receipt{
		Kind: proofs.ReceiptMessage, ID: m.ID(), Source: reader, Incarnation: 3, Index: 77, Height: 13, Time: prooftest.ZeroTime + 1,
		Code: proofs.CodeNoRecipient, Gas: 5,
	})
	add("act", proofs.Receipt{Kind: proofs.ReceiptAct, ID: sha256.Sum256([]byte("act")), Height: 14, Time: prooftest.ZeroTime + 2})
	return rows
}
