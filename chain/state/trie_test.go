package state

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/chain/store/storetest"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

func memoryState(t testing.TB, opt Options) (*State, *store.DB) {
	t.Helper()
	db, err := store.OpenStorage(storetest.NewStorage(storetest.New(1), "db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s, err := Open(db, opt)
	if err != nil {
		t.Fatal(err)
	}
	return s, db
}

// layout describes the pages of a trie by content: the hash and the slots of each.
func layout(t *testing.T, p pages, n *node, root bool) []string {
	t.Helper()
	var list []string
	var walk func(n *node)
	walk = func(n *node) {
		switch n.kind {
		case kindInner:
			walk(n.left)
			walk(n.right)
		case kindLink:
			list = append(list, layout(t, p, n, false)...)
		}
	}
	target, err := p.load(n)
	if err != nil {
		t.Fatal(err)
	}
	if target.weight() > maxSlots || !root && (target.slots < 9 || target.slots != n.slots || target.bit != n.bit) {
		t.Fatalf("page of %d slots at bit %d, its link says %d at %d", target.weight(), target.bit, n.slots, n.bit)
	}
	list = append(list, fmt.Sprintf("%x:%d", target.hash[:6], target.weight()))
	walk(target)
	return list
}

// TestTrieIsCanonical: whatever the order of changes, root and pages depend on the content.
func TestTrieIsCanonical(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 7))
		s, db := memoryState(t, Options{Retain: 3, CachePages: 1 + rng.IntN(40)})
		model := map[string][]byte{}
		space := 1 + rng.IntN(3000)
		for version := range uint64(25) {
			tx, err := s.Begin(version)
			if err != nil {
				t.Fatal(err)
			}
			deletes := rng.IntN(10)
			for range rng.IntN(1 + rng.IntN(1500)) {
				key := fmt.Appendf(nil, "key %d", rng.IntN(space))
				if rng.IntN(10) < deletes {
					tx.Delete(key)
					delete(model, string(key))
				} else {
					value := binary.BigEndian.AppendUint64(nil, rng.Uint64N(50))
					tx.Set(key, value)
					model[string(key)] = value
				}
			}
			got, err := tx.Commit(false)
			if err != nil {
				t.Fatal(err)
			}
			checkAgainstBulk(t, s, db, model, got)
			checkPages(t, s, db)
		}
	}
}

func checkAgainstBulk(t *testing.T, s *State, db *store.DB, model map[string][]byte, got merkle.Hash) {
	t.Helper()
	var pairs []merkle.KV
	var changes []change
	for k, v := range model {
		pairs = append(pairs, merkle.KV{Key: []byte(k), Value: v})
		changes = append(changes, change{key: merkle.KeyHash([]byte(k)), value: merkle.ValueHash(v)})
	}
	want, err := merkle.TrieRoot(pairs)
	if err != nil {
		t.Fatal(err)
	}
	if got != want || s.Root() != want {
		t.Fatalf("root: got %x, want %x", got, want)
	}
	if len(changes) == 0 {
		if s.head.Load().rootPage != 0 {
			t.Fatal("the empty trie has a page")
		}
		return
	}
	slices.SortFunc(changes, compareChanges)
	bulk := &update{pages: pages{cache: newPageCache(1), from: db}}
	root, err := bulk.apply(nil, changes)
	if err != nil {
		t.Fatal(err)
	}
	a := layout(t, s.pages(db), s.head.Load().rootLink(), true)
	b := layout(t, bulk.pages, linkTo(root), true)
	if !slices.Equal(a, b) {
		t.Fatalf("pages depend on history:\n%v\n%v", a, b)
	}
}

// checkPages: every stored page is reachable from a readable version or noted as stale.
func checkPages(t *testing.T, s *State, db *store.DB) {
	t.Helper()
	count := func(space string) (n int) {
		err := db.Iterate(store.Prefix([]byte(space)), func(_, _ []byte) (bool, error) { n++; return true, nil })
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	noted := 0
	err := db.Iterate(store.Prefix([]byte(spaceStale)), func(_, note []byte) (bool, error) {
		for len(note) > 0 {
			size := int(binary.BigEndian.Uint16(note))
			if bytes.HasPrefix(note[2:], []byte(spacePage)) {
				noted++
			}
			note = note[2+size:]
		}
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	live := 0
	if h := s.head.Load(); h.rootPage != 0 {
		live = len(layout(t, s.pages(db), h.rootLink(), true))
	}
	if got := count(spacePage); got != live+noted {
		t.Fatalf("got %d pages, want %d in use and %d noted", got, live, noted)
	}
	if got := count(spaceRoot); got > int(s.opt.Retain) {
		t.Fatalf("got %d roots, want at most %d", got, s.opt.Retain)
	}
}

// TestTrieDeepPaths: keys that share long prefixes, as ground ones would.
func TestTrieDeepPaths(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	u := &update{pages: pages{cache: newPageCache(1)}}
	var n *node
	var all []change
	for i := range 400 {
		c := change{value: merkle.Hash{byte(i), byte(i >> 8)}}
		if i > 0 {
			c.key = all[rng.IntN(len(all))].key
		}
		bit := rng.IntN(256)
		c.key[bit/8] ^= 0x80 >> (bit % 8)
		if slices.ContainsFunc(all, func(o change) bool { return o.key == c.key }) {
			continue
		}
		all = append(all, c)
		var err error
		if n, err = u.apply(n, []change{c}); err != nil {
			t.Fatal(err)
		}
	}
	slices.SortFunc(all, compareChanges)
	bulk, err := u.apply(nil, all)
	if err != nil {
		t.Fatal(err)
	}
	if bulk.hash != n.hash {
		t.Fatalf("got %x, want %x", n.hash, bulk.hash)
	}
	// Through the stored form and back.
	next := uint64(1)
	for _, w := range number(linkTo(n), &next, nil) {
		data := encodePage(nil, w.root)
		back, err := decodePage(data)
		if err != nil {
			t.Fatal(err)
		}
		if back.hash != w.root.hash || !bytes.Equal(encodePage(nil, back), data) {
			t.Fatalf("page %d does not round-trip", w.page)
		}
	}
	// Remove all, in halves.
	for i := range all {
		all[i].remove = true
	}
	bulk, err = u.apply(bulk, all[:len(all)/2])
	if err == nil {
		bulk, err = u.apply(bulk, all[len(all)/2:])
	}
	if err != nil || bulk != nil {
		t.Fatalf("got %v, %v, want an empty trie", bulk, err)
	}
}

func FuzzDecodePage(f *testing.F) {
	leaf := newLeaf(merkle.Hash{1}, merkle.Hash{2})
	inner := &node{}
	inner.setInner(0, leaf, &node{kind: kindLink, bit: 9, slots: 12, page: 7, key: merkle.Hash{0x80}})
	f.Add(encodePage(nil, inner))
	f.Add(encodePage(nil, leaf))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		if n, err := decodePage(data); err == nil && n.weight() > maxSlots {
			t.Fatalf("page of %d slots", n.weight())
		}
	})
}
