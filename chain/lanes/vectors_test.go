package lanes_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/isthmus-network/isthmus/chain/admission"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

var update = flag.Bool("update", false, "rewrite testdata/vectors.json")

// vectors are the bytes of docs/spec/lanes.md, as hexadecimal.
type vectors struct {
	Network     string        `json:"network"`
	Seeds       []string      `json:"ed25519_seeds"` // of validators 0, 1, 2 …
	Keys        []string      `json:"ed25519_keys"`
	Batch       batchVector   `json:"batch"`
	Car         carVector     `json:"car"`
	Vote        voteVector    `json:"car_vote"`
	Certificate wireVector    `json:"car_certificate"`
	Cut         cutVector     `json:"cut"`
	Receipt     receiptVector `json:"admission_receipt"`
}

type itemVector struct {
	Kind uint8  `json:"kind"`
	Data string `json:"data"`
}

type wireVector struct {
	Voters []uint32 `json:"voters"`
	Wire   string   `json:"wire"`
}

type batchVector struct {
	Items  []itemVector `json:"items"`
	Digest string       `json:"digest"`
	Wire   string       `json:"wire"`
}

type carVector struct {
	Epoch     uint64   `json:"epoch"`
	Lane      uint32   `json:"lane"`
	Height    uint64   `json:"height"`
	Parent    string   `json:"parent"`
	Batches   []string `json:"batches"`
	Digest    string   `json:"digest"`
	Signature string   `json:"signature"`
	Wire      string   `json:"wire"`
}

type voteVector struct {
	Epoch     uint64 `json:"epoch"`
	Lane      uint32 `json:"lane"`
	Height    uint64 `json:"height"`
	Digest    string `json:"digest"`
	Voter     uint32 `json:"voter"`
	Signature string `json:"signature"`
	Wire      string `json:"wire"`
}

type cutVector struct {
	Epoch uint64      `json:"epoch"`
	Tips  []tipVector `json:"tips"`
	Root  string      `json:"root"`
}

type tipVector struct {
	Lane   uint32 `json:"lane"`
	Height uint64 `json:"height"`
	Digest string `json:"digest"`
}

type receiptVector struct {
	Message   string `json:"message"`
	Body      string `json:"body"`
	Node      string `json:"node"`
	Time      uint64 `json:"time_ms"`
	Expiry    uint64 `json:"expiry_s"`
	Signature string `json:"signature"`
	Wire      string `json:"wire"`
}

func makeVectors() vectors {
	h := func(b []byte) string { return hex.EncodeToString(b) }
	v := vectors{Network: network.String()}
	var keys []ed25519.PrivateKey
	for i := range 3 {
		seed := digestOf("vector seed %d", i)
		key := ed25519.NewKeyFromSeed(seed[:])
		keys = append(keys, key)
		v.Seeds, v.Keys = append(v.Seeds, h(seed[:])), append(v.Keys, h(key.Public().(ed25519.PublicKey)))
	}

	b := types.Batch{Items: []types.Item{{Kind: types.ItemExternal, Data: []byte("first")}, {Kind: types.ItemSlice, Data: []byte{0, 1, 2}}}}
	digest := b.Digest(network)
	v.Batch = batchVector{Digest: h(digest[:]), Wire: h(b.MarshalCanoto())}
	for _, it := range b.Items {
		v.Batch.Items = append(v.Batch.Items, itemVector{uint8(it.Kind), h(it.Data)})
	}

	parent, other := digestOf("parent"), digestOf("other batch")
	c := types.Car{Epoch: 3, Lane: 1, Height: 7, Parent: parent, Batches: []proofs.Hash{digest, other}}
	c.Sign(network, keys[1])
	cd := c.Digest(network)
	v.Car = carVector{c.Epoch, c.Lane, c.Height, h(parent[:]), []string{h(digest[:]), h(other[:])}, h(cd[:]), h(c.Signature[:]), h(c.MarshalCanoto())}

	cert := types.CarCertificate{Epoch: 3, Tip: tipOf(c)}
	for _, voter := range []uint32{0, 2} {
		vote := types.CarVote{Epoch: 3, Tip: tipOf(c), Voter: voter}
		vote.Sign(network, keys[voter])
		cert.Votes = append(cert.Votes, types.CarSignature{Voter: voter, Signature: vote.Signature})
		v.Vote = voteVector{vote.Epoch, c.Lane, c.Height, h(cd[:]), voter, h(vote.Signature[:]), h(vote.MarshalCanoto())}
	}
	v.Certificate = wireVector{[]uint32{0, 2}, h(cert.MarshalCanoto())}

	cut := types.NewCut(3)
	cut.Tips[1] = tipOf(c)
	root := cut.Root(network, 3)
	v.Cut = cutVector{Epoch: 3, Root: h(root[:])}
	for _, t := range cut.Tips {
		v.Cut.Tips = append(v.Cut.Tips, tipVector{t.Lane, t.Height, h(t.Digest[:])})
	}

	r := admission.Receipt{Network: network, Message: digestOf("message"), Body: digestOf("body"), Time: 1_700_000_000_123, Expiry: 1_700_000_060}
	copy(r.Node[:], keys[0].Public().(ed25519.PublicKey))
	r.Sign(keys[0])
	v.Receipt = receiptVector{h(r.Message[:]), h(r.Body[:]), h(r.Node[:]), r.Time, r.Expiry, h(r.Signature[:]), h(r.MarshalCanoto())}
	return v
}

func TestVectors(t *testing.T) {
	got, err := json.MarshalIndent(makeVectors(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	path := filepath.Join("testdata", "vectors.json")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%s differs; the format is fixed:\n%s", path, got)
	}
}

// TestLayouts recomputes the hashed bytes from the text of docs/spec/lanes.md.
func TestLayouts(t *testing.T) {
	u32 := func(v uint32) []byte { return []byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)} }
	u64 := func(v uint64) []byte { return append(u32(uint32(v>>32)), u32(uint32(v))...) }
	join := func(kind byte, parts ...[]byte) []byte {
		return bytes.Join(append([][]byte{[]byte("isthmus1"), network[:], {kind}}, parts...), nil)
	}
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	v := makeVectors()
	sum := func(b []byte) string { h := digestOf("%s", b); return hex.EncodeToString(h[:]) }
	verify := func(key string, msg []byte, sig string) bool { return ed25519.Verify(unhex(key), msg, unhex(sig)) }

	if b := join(0x22, u32(2), []byte{1}, u32(5), []byte("first"), []byte{4}, u32(3), []byte{0, 1, 2}); sum(b) != v.Batch.Digest {
		t.Error("batch digest")
	}
	car := join(0x20, u64(3), u32(1), u64(7), unhex(v.Car.Parent), u32(2), unhex(v.Car.Batches[0]), unhex(v.Car.Batches[1]))
	if sum(car) != v.Car.Digest || !verify(v.Keys[1], car, v.Car.Signature) {
		t.Error("car")
	}
	if !verify(v.Keys[2], join(0x21, u64(3), u32(1), u64(7), unhex(v.Car.Digest)), v.Vote.Signature) {
		t.Error("car vote")
	}
	none := make([]byte, 32)
	if b := join(0x23, u64(3), u32(3), u32(0), u64(0), none, u32(1), u64(7), unhex(v.Car.Digest), u32(2), u64(0), none); sum(b) != v.Cut.Root {
		t.Error("cut root")
	}
	r := v.Receipt
	if !verify(r.Node, join(0x26, unhex(r.Message), unhex(r.Body), unhex(r.Node), u64(r.Time), u64(r.Expiry)), r.Signature) {
		t.Error("admission receipt")
	}
}
