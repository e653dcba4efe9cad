package merkle_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/isthmus-network/isthmus/proofs/merkle"
)

func readVectors[T any](t testing.TB, name string) []T {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var cases []T
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatalf("%s: no cases", name)
	}
	return cases
}

// octets are bytes, in hex in JSON.
type octets []byte

func (o *octets) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	*o = b
	return err
}

func hashOf(t testing.TB, b octets) merkle.Hash {
	t.Helper()
	if len(b) != 32 {
		t.Fatalf("hash %x: got %d bytes, want 32", []byte(b), len(b))
	}
	return merkle.Hash(b)
}

func hashesOf(t testing.TB, bs []octets) []merkle.Hash {
	t.Helper()
	out := make([]merkle.Hash, len(bs))
	for i, b := range bs {
		out[i] = hashOf(t, b)
	}
	return out
}

func leafHashes(data []octets) []merkle.Hash {
	out := make([]merkle.Hash, len(data))
	for i, d := range data {
		out[i] = merkle.LeafHash(d)
	}
	return out
}

// wantKind asserts that err is of the kind with this text; none when it is empty.
func wantKind(t testing.TB, err error, kind string) {
	t.Helper()
	if kind == "" {
		if err != nil {
			t.Fatalf("got %v, want no error", err)
		}
		return
	}
	if !errors.Is(err, merkle.ErrorKind(kind)) {
		t.Fatalf("got %v, want kind %q", err, kind)
	}
}

func TestVectorsRoot(t *testing.T) {
	type vector struct {
		Desc   string
		Leaves []octets
		Root   octets
	}
	for _, v := range readVectors[vector](t, "root.json") {
		t.Run(v.Desc, func(t *testing.T) {
			if got, want := merkle.Root(leafHashes(v.Leaves)), hashOf(t, v.Root); got != want {
				t.Fatalf("got %x, want %x", got, want)
			}
		})
	}
}

func TestVectorsRange(t *testing.T) {
	type vector struct {
		Desc   string
		Begin  uint64 `json:",string"`
		End    uint64 `json:",string"`
		Leaves []octets
		IDs    [][2]uint64
		Nodes  []octets
	}
	for _, v := range readVectors[vector](t, "range.json") {
		t.Run(v.Desc, func(t *testing.T) {
			r := merkle.NewRange(v.Begin)
			for _, leaf := range leafHashes(v.Leaves) {
				wantKind(t, r.Append(leaf, nil), "")
			}
			want, err := merkle.ParseRange(v.Begin, v.End, hashesOf(t, v.Nodes))
			wantKind(t, err, "")
			wantSameRange(t, r, want)
			ids := merkle.RangeNodes(v.Begin, v.End)
			if len(ids) != len(v.IDs) {
				t.Fatalf("ids: got %v, want %v", ids, v.IDs)
			}
			for i, id := range ids {
				if uint64(id.Level) != v.IDs[i][0] || id.Index != v.IDs[i][1] {
					t.Fatalf("ids: got %v, want %v", ids, v.IDs)
				}
			}
		})
	}
}

type inclusionVector struct {
	Desc    string
	Leaf    octets
	Index   uint64 `json:",string"`
	Size    uint64 `json:",string"`
	Proof   []octets
	Root    octets
	WantErr string
}

func TestVectorsInclusion(t *testing.T) {
	for _, v := range readVectors[inclusionVector](t, "inclusion.json") {
		t.Run(v.Desc, func(t *testing.T) {
			err := merkle.VerifyInclusion(hashOf(t, v.Leaf), v.Index, v.Size, hashesOf(t, v.Proof), hashOf(t, v.Root))
			wantKind(t, err, v.WantErr)
		})
	}
}

type trieVector struct {
	Desc  string
	Pairs []struct {
		Key, Value octets
	}
	Root       octets
	Kind       string
	Key, Value octets
	Proof      octets
	WantErr    string
}

func (v trieVector) verify(root merkle.Hash) error {
	p, err := merkle.ParseTrieProof(v.Proof)
	if err != nil {
		return err
	}
	if v.Kind == "absence" {
		return merkle.VerifyAbsence(root, v.Key, p)
	}
	return merkle.VerifyPresence(root, v.Key, v.Value, p)
}

func TestVectorsTrie(t *testing.T) {
	for _, v := range readVectors[trieVector](t, "trie.json") {
		t.Run(v.Desc, func(t *testing.T) {
			root := hashOf(t, v.Root)
			wantKind(t, v.verify(root), v.WantErr)
			if v.WantErr != "" {
				return
			}
			kvs := make([]merkle.KV, len(v.Pairs))
			for i, p := range v.Pairs {
				kvs[i] = merkle.KV{Key: p.Key, Value: p.Value}
			}
			got, err := merkle.TrieRoot(kvs)
			wantKind(t, err, "")
			if got != root {
				t.Fatalf("root: got %x, want %x", got, root)
			}
		})
	}
}

type encodingVector struct {
	Desc    string
	Hex     octets
	WantErr string
}

func TestVectorsTrieEncoding(t *testing.T) {
	for _, v := range readVectors[encodingVector](t, "trie_encoding.json") {
		t.Run(v.Desc, func(t *testing.T) {
			p, err := merkle.ParseTrieProof(v.Hex)
			wantKind(t, err, v.WantErr)
			if err != nil {
				return
			}
			b, err := p.AppendBinary(nil)
			wantKind(t, err, "")
			if !bytes.Equal(b, v.Hex) {
				t.Fatalf("encoded again: got %x, want %x", b, []byte(v.Hex))
			}
		})
	}
}

func TestVectorsTrieRange(t *testing.T) {
	type vector struct {
		Desc  string
		Pairs []struct {
			Key, Value octets
		}
		Root, From, To octets
		Leaves         []octets
		Proof          octets
		WantErr        string
	}
	for _, v := range readVectors[vector](t, "trie_range.json") {
		t.Run(v.Desc, func(t *testing.T) {
			p, err := merkle.ParseRangeProof(v.Proof)
			var leaves []merkle.TrieLeafData
			if err == nil {
				leaves, err = merkle.VerifyRange(hashOf(t, v.Root), hashOf(t, v.From), hashOf(t, v.To), p)
			}
			wantKind(t, err, v.WantErr)
			if len(leaves) != len(v.Leaves) {
				t.Fatalf("got %d leaves, want %d", len(leaves), len(v.Leaves))
			}
			for i, l := range leaves {
				if got := append(l.KeyHash[:], l.ValueHash[:]...); !bytes.Equal(got, v.Leaves[i]) {
					t.Fatalf("leaf %d: got %x, want %x", i, got, v.Leaves[i])
				}
			}
		})
	}
}
