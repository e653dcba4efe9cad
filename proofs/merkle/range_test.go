package merkle_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/isthmus-network/isthmus/proofs/merkle"
	"github.com/isthmus-network/isthmus/proofs/merkle/internal/naive"
)

func numbered(n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = fmt.Appendf(nil, "entry %d", i)
	}
	return out
}

func hashed(data [][]byte) []merkle.Hash {
	out := make([]merkle.Hash, len(data))
	for i, d := range data {
		out[i] = merkle.LeafHash(d)
	}
	return out
}

// rangeOf returns the range of the entries [begin, end), appended one by one.
func rangeOf(t testing.TB, data [][]byte, begin, end int) merkle.Range {
	t.Helper()
	r := merkle.NewRange(uint64(begin))
	for _, leaf := range hashed(data[begin:end]) {
		if err := r.Append(leaf, nil); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

func wantSameRange(t fataler, got, want merkle.Range) {
	t.Helper()
	if got.Begin() != want.Begin() || got.End() != want.End() || !slices.Equal(got.Nodes(), want.Nodes()) {
		t.Fatalf("got [%d, %d) %x, want [%d, %d) %x", got.Begin(), got.End(), got.Nodes(), want.Begin(), want.End(), want.Nodes())
	}
}

// naiveRange returns the range [begin, end) as the oracle covers it.
func naiveRange(t fataler, data [][]byte, begin, end int) merkle.Range {
	t.Helper()
	ids := merkle.RangeNodes(uint64(begin), uint64(end))
	cover := naive.Cover(data, begin, end)
	if len(ids) != len(cover) {
		t.Fatalf("[%d, %d): got ids %v, want %v", begin, end, ids, cover)
	}
	var nodes []merkle.Hash
	for i, n := range cover {
		if int(ids[i].Level) != n.Level || ids[i].Index != uint64(n.Index) {
			t.Fatalf("[%d, %d): got ids %v, want %v", begin, end, ids, cover)
		}
		nodes = append(nodes, n.Hash)
	}
	r, err := merkle.ParseRange(uint64(begin), uint64(end), nodes)
	if err != nil {
		t.Fatalf("ParseRange: %v", err)
	}
	return r
}

func TestRangeEqualsOracle(t *testing.T) {
	data := numbered(70)
	for begin := 0; begin <= len(data); begin++ {
		r := merkle.NewRange(uint64(begin))
		for end := begin; ; end++ {
			wantSameRange(t, r, naiveRange(t, data, begin, end))
			if end == len(data) {
				break
			}
			if err := r.Append(merkle.LeafHash(data[end]), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestRootEqualsOracle(t *testing.T) {
	data := numbered(130)
	for n := range data {
		want := naive.Root(data[:n])
		if got := merkle.Root(hashed(data[:n])); got != want {
			t.Fatalf("Root of %d: got %x, want %x", n, got, want)
		}
		if got, err := rangeOf(t, data, 0, n).Root(); err != nil || got != want {
			t.Fatalf("Range.Root of %d: got %x (%v), want %x", n, got, err, want)
		}
	}
}

func TestJoinEqualsAppend(t *testing.T) {
	data := numbered(100)
	rapid.Check(t, func(rt *rapid.T) {
		a := rapid.IntRange(0, len(data)).Draw(rt, "begin")
		b := rapid.IntRange(a, len(data)).Draw(rt, "middle")
		c := rapid.IntRange(b, len(data)).Draw(rt, "end")
		left, right := rangeOf(t, data, a, b), rangeOf(t, data, b, c)
		before := right.Clone()
		if err := left.Join(right, nil); err != nil {
			rt.Fatal(err)
		}
		wantSameRange(rt, left, rangeOf(t, data, a, c))
		wantSameRange(rt, right, before)
	})
}

// TestVisitTellsEveryNode: what Append and Join visit is every perfect node once, with its value, children first; and
// that is all a store needs to build any range and any proof.
func TestVisitTellsEveryNode(t *testing.T) {
	data := numbered(64)
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, len(data)).Draw(rt, "size")
		seen := map[merkle.NodeID]merkle.Hash{}
		visit := func(id merkle.NodeID, h merkle.Hash) {
			if _, twice := seen[id]; twice {
				rt.Fatalf("%v visited twice", id)
			}
			if id.Level > 0 {
				l, r := seen[merkle.NodeID{Level: id.Level - 1, Index: 2 * id.Index}], seen[merkle.NodeID{Level: id.Level - 1, Index: 2*id.Index + 1}]
				if merkle.NodeHash(l, r) != h {
					rt.Fatalf("%v visited before its children", id)
				}
			}
			seen[id] = h
		}
		whole := merkle.NewRange(0)
		for int(whole.End()) < n {
			step := rapid.IntRange(1, n-int(whole.End())).Draw(rt, "step")
			part := merkle.NewRange(whole.End())
			for _, leaf := range hashed(data[whole.End():][:step]) {
				if err := part.Append(leaf, visit); err != nil {
					rt.Fatal(err)
				}
			}
			if err := whole.Join(part, visit); err != nil {
				rt.Fatal(err)
			}
		}
		want := 0
		for level := 0; 1<<level <= n; level++ {
			want += n >> level
		}
		if len(seen) != want {
			rt.Fatalf("got %d nodes, want %d", len(seen), want)
		}
		for id, h := range seen {
			if got := naive.Root(data[id.Index<<id.Level : (id.Index+1)<<id.Level]); got != h {
				rt.Fatalf("%v: got %x, want %x", id, h, got)
			}
		}
	})
}

func TestCloneSharesNothing(t *testing.T) {
	data := numbered(8)
	r := rangeOf(t, data, 0, 7)
	c := r.Clone()
	nodes := r.Nodes()
	nodes[0] = merkle.Hash{}
	if err := c.Append(merkle.LeafHash(data[7]), nil); err != nil {
		t.Fatal(err)
	}
	wantSameRange(t, r, naiveRange(t, data, 0, 7))
	wantSameRange(t, c, naiveRange(t, data, 0, 8))
}

func TestParseRangeRefuses(t *testing.T) {
	good := rangeOf(t, numbered(20), 3, 17)
	nodes := good.Nodes()
	if _, err := merkle.ParseRange(3, 17, nodes); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		desc       string
		begin, end uint64
		nodes      []merkle.Hash
		want       merkle.ErrorKind
	}{
		{"reversed", 17, 3, nodes, merkle.ErrRange},
		{"reversed, empty", 17, 3, nil, merkle.ErrRange},
		{"one node less", 3, 17, nodes[1:], merkle.ErrNodeCount},
		{"one node more", 3, 17, append(nodes, merkle.Hash{}), merkle.ErrNodeCount},
		{"no nodes", 3, 17, nil, merkle.ErrNodeCount},
		{"nodes of an empty range", 3, 3, nodes[:1], merkle.ErrNodeCount},
	} {
		t.Run(c.desc, func(t *testing.T) {
			_, err := merkle.ParseRange(c.begin, c.end, c.nodes)
			wantKind(t, err, string(c.want))
		})
	}
}

func TestRangeAtTheTop(t *testing.T) {
	const top = math.MaxUint64
	for _, begin := range []uint64{0, 1, 1 << 63, 1<<63 + 1, top - 1, top} {
		ids := merkle.RangeNodes(begin, top)
		pos := begin
		for _, id := range ids {
			if id.Index<<id.Level != pos {
				t.Fatalf("[%d, max): %v does not begin at %d", begin, id, pos)
			}
			pos += 1 << id.Level
		}
		if pos != top || len(ids) > 126 {
			t.Fatalf("[%d, max): covered up to %d with %d nodes", begin, pos, len(ids))
		}
	}
	full, err := merkle.ParseRange(0, top-1, make([]merkle.Hash, 63))
	wantKind(t, err, "")
	wantKind(t, full.Append(merkle.Hash{}, nil), "")
	before := full.Clone()
	wantKind(t, full.Append(merkle.Hash{}, nil), string(merkle.ErrRange))
	wantSameRange(t, full, before)
}

func TestRootOfPartRefused(t *testing.T) {
	data := numbered(5)
	if _, err := rangeOf(t, data, 0, 5).Root(); err != nil {
		t.Fatal(err)
	}
	_, err := rangeOf(t, data, 1, 5).Root()
	wantKind(t, err, string(merkle.ErrRange))
	_, err = merkle.NewRange(1).Root()
	wantKind(t, err, string(merkle.ErrRange))
}

// TestRangeOmission: a receiver that holds the compact range of what it consumed recomputes the certified root from the
// next leaves. A gap, a truncated head or tail, an exchange, and a false "empty" cannot lead to it.
func TestRangeOmission(t *testing.T) {
	const consumed, size = 5, 13
	data := numbered(size)
	root := naive.Root(data)
	slice := hashed(data[consumed:])
	result := func(leaves []merkle.Hash) merkle.Hash {
		r := rangeOf(t, data, 0, consumed)
		for _, leaf := range leaves {
			wantKind(t, r.Append(leaf, nil), "")
		}
		got, err := r.Root()
		wantKind(t, err, "")
		return got
	}
	if got := result(slice); got != root {
		t.Fatalf("the whole slice: got %x, want %x", got, root)
	}
	bad := map[string][]merkle.Hash{"false empty": nil, "truncated head": slice[1:], "truncated tail": slice[:len(slice)-1]}
	for i := range slice {
		bad[fmt.Sprintf("gap at %d", i)] = slices.Delete(slices.Clone(slice), i, i+1)
		bad[fmt.Sprintf("double at %d", i)] = slices.Insert(slices.Clone(slice), i, slice[i])
		swapped := slices.Clone(slice)
		j := (i + 1) % len(slice)
		swapped[i], swapped[j] = swapped[j], swapped[i]
		bad[fmt.Sprintf("exchange at %d", i)] = swapped
	}
	for desc, leaves := range bad {
		if result(leaves) == root {
			t.Errorf("%s leads to the root", desc)
		}
	}
	// A joined tail must begin exactly where the consumed part ends, and its nodes must be the log's.
	for _, begin := range []int{consumed - 1, consumed + 1} {
		r := rangeOf(t, data, 0, consumed)
		wantKind(t, r.Join(rangeOf(t, data, begin, size), nil), string(merkle.ErrRange))
		wantSameRange(t, r, rangeOf(t, data, 0, consumed))
	}
}

// TestDuplicatedTailChangesRoot is CVE-2012-2459: Bitcoin's tree doubled an odd node, so that a list and the same list with
// a doubled tail shared a root.
func TestDuplicatedTailChangesRoot(t *testing.T) {
	for n := 1; n <= 40; n++ {
		leaves := hashed(numbered(n))
		root := merkle.Root(leaves)
		for k := 1; k <= n; k++ {
			if merkle.Root(append(slices.Clone(leaves), leaves[n-k:]...)) == root {
				t.Fatalf("%d leaves, the last %d doubled: same root", n, k)
			}
		}
	}
}
