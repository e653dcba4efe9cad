package state_test

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/isthmus-network/isthmus/chain/state"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// TestProveRange: the store's proof of a range is that of the reference, for versions old and new.
func TestProveRange(t *testing.T) {
	s := newState(t, state.Options{})
	rng := rand.New(rand.NewPCG(1, 2))
	content := map[string]string{}
	var tries []*merkle.Trie
	for version, writes := range []int{0, 1, 40, 500, 3} {
		tx, err := s.Begin(uint64(version))
		check(t, err)
		for range writes {
			key := string(binary.BigEndian.AppendUint32(nil, rng.Uint32N(700)))
			if rng.IntN(5) == 0 {
				tx.Delete([]byte(key))
				delete(content, key)
				continue
			}
			tx.Set([]byte(key), []byte{byte(version)})
			content[key] = string([]byte{byte(version)})
		}
		_, err = tx.Commit(false)
		check(t, err)
		var pairs []merkle.KV
		for k, v := range content {
			pairs = append(pairs, merkle.KV{Key: []byte(k), Value: []byte(v)})
		}
		trie, err := merkle.NewTrie(pairs)
		check(t, err)
		tries = append(tries, trie)
	}
	for version, trie := range tries {
		v, err := s.At(uint64(version))
		check(t, err)
		for range 60 {
			from := merkle.Hash{byte(rng.Uint32()), byte(rng.Uint32())}
			to := from
			to[rng.IntN(3)] = 0xff
			limit := 1 + rng.IntN(50)
			got, covered, err := v.ProveRange(from, to, limit)
			check(t, err)
			want, wantCovered, err := trie.ProveRange(from, to, limit)
			check(t, err)
			if !slices.Equal(got.Nodes, want.Nodes) || covered != wantCovered {
				t.Fatalf("version %d, [%x, %x]: got %d nodes up to %x, want %d up to %x", version, from, to, len(got.Nodes), covered, len(want.Nodes), wantCovered)
			}
			if _, err := merkle.VerifyRange(v.Root(), from, covered, got); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := v.ProveRange(merkle.Hash{1}, merkle.Hash{}, 1); !errors.Is(err, merkle.ErrRange) {
			t.Fatalf("reversed bounds: got %v", err)
		}
	}
}
